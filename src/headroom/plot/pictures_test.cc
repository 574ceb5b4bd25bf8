// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/file.h"
#include "headroom/core/rng.h"
#include "headroom/core/strings.h"
#include "headroom/image/image_decoder.h"
#include "headroom/plot/box_layer.h"
#include "headroom/plot/draw_boxes.h"
#include "headroom/plot/picture_grid.h"
#include "headroom/plot/raster_canvas.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace headroom {
namespace {

using testing::SharedFile;
using testing::TempDir;

class PicturesTest : public ::testing::Test {
 protected:
  // HEADROOM_PLOT_GALLERY=folder keeps the pictures, to be looked at.
  [[nodiscard]] std::filesystem::path File(const std::string& name) const {
    const char* gallery = std::getenv("HEADROOM_PLOT_GALLERY");
    return (gallery != nullptr ? std::filesystem::path(gallery) : dir_.path()) / name;
  }
  TempDir dir_;
};

Image Plain(ImageSize size, std::array<std::uint8_t, 3> color) {
  Image image(size);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      std::copy(color.begin(), color.end(), image.view().Row(y) + 3 * x);
    }
  }
  return image;
}

std::array<int, 3> At(const ImageView& image, int x, int y) {
  const std::uint8_t* pixel = image.Row(y) + image.channels * x;
  return {pixel[0], pixel[1], pixel[2]};
}

TEST_F(PicturesTest, BoxesAreDrawnInPlaceInTheClassColour) {
  Image image = Plain({100, 120}, {10, 20, 30});
  const std::vector<DrawnBox> boxes = {{{20, 30, 90, 80}, 1, ""}};
  DrawBoxes(image.view(), ColorOrder::kRgb, boxes);
  EXPECT_EQ(At(image.view(), 50, 30), (std::array{0xD5, 0x5E, 0x00}));
  EXPECT_EQ(At(image.view(), 20, 50), (std::array{0xD5, 0x5E, 0x00}));
  EXPECT_EQ(At(image.view(), 50, 50), (std::array{10, 20, 30}));
  EXPECT_EQ(At(image.view(), 5, 5), (std::array{10, 20, 30}));
}

TEST_F(PicturesTest, ColourOrderIsKept) {
  Image image = Plain({60, 60}, {1, 2, 3});
  DrawBoxes(image.view(), ColorOrder::kBgr, std::vector<DrawnBox>{{{10, 10, 50, 50}, 1, ""}});
  EXPECT_EQ(At(image.view(), 30, 10), (std::array{0x00, 0x5E, 0xD5}));
  EXPECT_EQ(At(image.view(), 30, 30), (std::array{1, 2, 3}));
}

TEST_F(PicturesTest, StripsMeetWithoutASeam) {
  // Tall enough for three strips: drawn whole on a canvas, it must be the same.
  const ImageSize size{700, 90};
  Image image = Plain(size, {90, 90, 90});
  std::vector<DrawnBox> boxes;
  for (int i = 0; i < 12; ++i) {
    const auto y = static_cast<float>(i * 57);
    boxes.push_back({{5.0F + static_cast<float>(i), y, 80, y + 70}, i, "class 0.5"});
  }
  RasterCanvas whole(size.width, size.height, 1);
  whole.CopyIn(image.view(), ColorOrder::kBgr);
  const BoxLayer layer(
      whole, {.picture = {0, 0, 90, 700}, .scale = 1, .line_width = 2, .font_size = 12}, boxes);
  layer.Draw(whole);
  Image expected(size);
  whole.CopyOut(expected.view(), ColorOrder::kBgr);
  DrawBoxes(image.view(), ColorOrder::kBgr, boxes);
  EXPECT_EQ(std::memcmp(image.data(), expected.data(), size.PixelBytes().count()), 0);
}

TEST_F(PicturesTest, LabelsStayInsideThePicture) {
  Image image = Plain({80, 200}, {255, 255, 255});
  // Above the top, right of the right edge, wider than the picture, and outside altogether.
  DrawBoxes(image.view(), ColorOrder::kRgb,
            std::vector<DrawnBox>{{{-5, -5, 60, 40}, 0, "corner"},
                                  {{190, 60, 260, 90}, 2, "right edge"},
                                  {{20, 50, 40, 60}, 3, std::string(200, 'w')},
                                  {{500, 500, 600, 600}, 4, "outside"}});
  int green = 0;
  for (int x = 100; x < 200; ++x) {
    green += At(image.view(), x, 52) == (std::array{0x00, 0x9E, 0x73}) ? 1 : 0;
  }
  EXPECT_GT(green, 20);
}

TEST_F(PicturesTest, GridIsColumnByColumnAtMostSixteenAndWithinItsSide) {
  PictureGrid grid({.count = 20, .picture = {640, 640}});
  EXPECT_EQ(grid.size(), (ImageSize{1920, 1920}));
  for (int i = 0; i < 20; ++i) {
    const Image image = Plain({640, 640}, {static_cast<std::uint8_t>(10 * i), 0, 0});
    EXPECT_EQ(grid.Add(image.view(), ColorOrder::kRgb, "", {}), i < 16);
  }
  const EncodedJpeg jpeg = grid.Encode(95);
  ImageDecoder decoder;
  Image decoded;
  ASSERT_TRUE(
      decoder.Decode(std::span(jpeg.data.get(), jpeg.size), {.order = ColorOrder::kRgb}, &decoded)
          .ok());
  ASSERT_EQ(decoded.size(), grid.size());
  for (int i = 0; i < 16; ++i) {
    EXPECT_NEAR(At(decoded.view(), i / 4 * 480 + 200, i % 4 * 480 + 200)[0], 10 * i, 3) << i;
  }
}

TEST_F(PicturesTest, GridKeepsSmallPicturesAndFitsOddOnes) {
  PictureGrid grid({.count = 2, .picture = {32, 64}});
  EXPECT_EQ(grid.size(), (ImageSize{64, 128}));
  const Image tall = Plain({200, 20}, {0, 0, 0});
  EXPECT_TRUE(grid.Add(tall.view(), ColorOrder::kRgb, "name", {}));
  EXPECT_TRUE(grid.Add({}, ColorOrder::kRgb, "", {}));
}

TEST_F(PicturesTest, NeedsDoNotGrowWithTheBatchNorWithThePicturesHeight) {
  const MemoryNeed few = EstimateMemory(PictureGridOptions{.count = 16, .picture = {640, 640}});
  const MemoryNeed many = EstimateMemory(PictureGridOptions{.count = 128, .picture = {640, 640}});
  EXPECT_EQ(few.Total(), many.Total());
  EXPECT_LT(few.Total(), Bytes::MiB(48));
  EXPECT_EQ(EstimateDrawBoxesMemory({1000, 4000}).Total(),
            EstimateDrawBoxesMemory({9000, 4000}).Total());
}

// Bytes of the process' largest resident size since the call before; 0 where the system does not
// tell.
std::uint64_t PeakResident() {
  std::ifstream status("/proc/self/status");
  std::uint64_t peak_kb = 0;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) peak_kb = std::stoull(line.substr(6));
  }
  std::ofstream("/proc/self/clear_refs") << "5";
  return peak_kb * 1024;
}

TEST_F(PicturesTest, PeakOfAGridStaysBelowItsNeed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers hold memory of their own";
#endif
  const PictureGridOptions options{.count = 16, .picture = {640, 640}};
  Image noise(options.picture);
  Rng rng(1);
  for (std::size_t i = 0; i < noise.size().PixelBytes().count(); ++i) {
    noise.data()[i] = static_cast<std::uint8_t>(rng.Next());
  }
  static_cast<void>(PeakResident());
  const std::uint64_t before = PeakResident();
  {
    PictureGrid grid(options);
    const std::vector<DrawnBox> boxes(100, {{10, 10, 300, 300}, 1, "class 0.50"});
    for (int i = 0; i < options.count; ++i) {
      grid.Add(noise.view(), ColorOrder::kRgb, "name.jpg", boxes);
    }
    grid.WriteJpeg(File("noise.jpg"));
  }
  const std::uint64_t peak = PeakResident();
  if (peak == 0) GTEST_SKIP() << "no /proc/self/status";
  EXPECT_LE(peak - before, EstimateMemory(options).Total().count());
}

// The boxes of a label file, in pixels.
std::vector<DrawnBox> ReadBoxes(const std::filesystem::path& path, ImageSize size) {
  static const std::array<std::string, 3> kNames = {"RBC", "WBC", "Platelets"};
  std::vector<DrawnBox> boxes;
  const std::string text = *ReadFile(path);
  for (const std::string_view line : Split(text, '\n')) {
    std::array<double, 5> v{};
    const auto cells = Split(Trim(line), ' ');
    if (cells.size() != v.size()) continue;
    for (std::size_t i = 0; i < v.size(); ++i) static_cast<void>(ParseDouble(cells[i], &v[i]));
    const Xyxy box =
        ToXyxy({static_cast<float>(v[1] * size.width), static_cast<float>(v[2] * size.height),
                static_cast<float>(v[3] * size.width), static_cast<float>(v[4] * size.height)});
    const auto id = static_cast<std::int32_t>(v[0]);
    boxes.push_back({box, id, kNames.at(static_cast<std::size_t>(id))});
  }
  return boxes;
}

TEST_F(PicturesTest, RealImagesAreDrawnWithTheirLabels) {
  HEADROOM_NEEDS_SHARED("data/bccd/images/val");
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(SharedFile("data/bccd/images/val"))) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  PictureGrid grid({.count = 16, .picture = {480, 640}});
  ImageDecoder decoder;
  Image image;
  for (std::size_t i = 0; i < 16; ++i) {
    ASSERT_TRUE(decoder.Decode(files[i].string(), {.order = ColorOrder::kBgr}, &image).ok());
    const auto labels = SharedFile("data/bccd/labels/val") / (files[i].stem().string() + ".txt");
    std::vector<DrawnBox> boxes = ReadBoxes(labels, image.size());
    grid.Add(image.view(), ColorOrder::kBgr, files[i].filename().string(), boxes);
    if (i != 0) continue;
    for (std::size_t k = 0; k < boxes.size(); ++k) boxes[k].label += " 0." + std::to_string(90 - k);
    DrawBoxes(image.view(), ColorOrder::kBgr, boxes);
    WriteFileAtomic(File("detections.jpg"), EncodeJpeg(image.view(), ColorOrder::kBgr, 92).bytes());
  }
  grid.WriteJpeg(File("val_batch0_labels.jpg"));
  EXPECT_EQ(grid.size(), (ImageSize{1440, 1920}));
}

}  // namespace
}  // namespace headroom
