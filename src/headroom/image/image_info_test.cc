// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/image_info.h"

#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <opencv2/imgcodecs.hpp>

namespace headroom {
namespace {

using testing::EncodeImage;
using ::testing::HasSubstr;
using testing::SyntheticPixels;
using testing::TempDir;
using testing::WithOrientation;
using testing::WriteBytes;

TEST(ReadImageInfo, ReadsSizeAndFormatOfEveryEncoderWhateverTheName) {
  const TempDir dir;
  const auto pixels = SyntheticPixels(70, 91, 1);
  const std::vector<std::pair<std::string, ImageFormat>> cases = {
      {"jpg", ImageFormat::kJpeg},  {"png", ImageFormat::kPng},  {"bmp", ImageFormat::kBmp},
      {"webp", ImageFormat::kWebp}, {"tif", ImageFormat::kTiff}, {"jp2", ImageFormat::kJpeg2000}};
  for (const auto& [suffix, format] : cases) {
    const std::string path = (dir.path() / "image.jpg").string();
    const auto file = EncodeImage(pixels, 70, 91, suffix);
    WriteBytes(path, file);
    for (const auto& info : {ReadImageInfo(path), ReadImageInfo(std::span(file))}) {
      ASSERT_TRUE(info.ok()) << suffix << ": " << info.error();
      EXPECT_EQ(info->format, format) << suffix;
      EXPECT_EQ(info->size, (ImageSize{70, 91})) << suffix;
    }
  }
}

TEST(ReadImageInfo, AppliesTheOrientationToTheSize) {
  const auto pixels = SyntheticPixels(37, 53, 1);
  for (const std::string suffix : {"jpg", "png"}) {
    const auto file = EncodeImage(pixels, 37, 53, suffix);
    for (int orientation = 1; orientation <= 9; ++orientation) {
      const auto info = ReadImageInfo(WithOrientation(file, orientation));
      ASSERT_TRUE(info.ok()) << info.error();
      const bool swaps = orientation >= 5 && orientation <= 8;
      EXPECT_EQ(info->size, (swaps ? ImageSize{53, 37} : ImageSize{37, 53}))
          << suffix << orientation;
      EXPECT_EQ(info->stored_size(), (ImageSize{37, 53}));
      EXPECT_EQ(static_cast<int>(info->orientation), orientation == 9 ? 1 : orientation);
    }
  }
}

TEST(ReadImageInfo, SaysWhyThereIsNone) {
  const TempDir dir;
  const auto error_of = [](const std::vector<std::uint8_t>& file) {
    return ReadImageInfo(file).error();
  };
  EXPECT_THAT(ReadImageInfo((dir.path() / "none.jpg").string()).error(), HasSubstr("No such file"));
  EXPECT_THAT(ReadImageInfo(dir.path().string()).error(), HasSubstr("not a file"));
  EXPECT_THAT(error_of({}), HasSubstr("empty"));
  EXPECT_THAT(error_of({'G', 'I', 'F', '8', '9', 'a'}), HasSubstr("convert them to JPEG or PNG"));
  EXPECT_THAT(error_of({'h', 'e', 'l', 'l', 'o'}), HasSubstr("not an image of a known format"));
  EXPECT_THAT(error_of({0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 0, 0, 0xFF, 0xD9}),
              HasSubstr("no frame header"));
}

TEST(ReadImageInfo, NoPrefixOfAFileCrashesAndCutsAreFound) {
  const auto pixels = SyntheticPixels(70, 90, 1);
  for (const std::string suffix : {"jpg", "png", "bmp", "webp", "tif", "jp2"}) {
    const auto file = EncodeImage(pixels, 70, 90, suffix);
    for (std::size_t size = 0; size < file.size(); size += 1 + size / 64) {
      (void)ReadImageInfo(std::span(file).first(size));
    }
    // The others' ends are for the decoder to miss.
    const bool size_is_in_the_header = suffix == "bmp" || suffix == "webp" || suffix == "tif";
    EXPECT_EQ(ReadImageInfo(std::span(file).first(file.size() - 20)).ok(), !size_is_in_the_header)
        << suffix;
  }
}

TEST(ReadImageInfo, NoFlippedByteOfAHeaderCrashes) {
  const auto pixels = SyntheticPixels(70, 90, 1);
  for (const std::string suffix : {"jpg", "png", "bmp", "webp", "tif", "jp2"}) {
    auto file = EncodeImage(pixels, 70, 90, suffix);
    if (suffix == "jpg") file = WithOrientation(file, 6);
    for (std::size_t i = 0; i < std::min<std::size_t>(file.size(), 400); ++i) {
      for (const int bits : {0xFF, 0x80, 0x01}) {
        file[i] ^= static_cast<std::uint8_t>(bits);
        const auto info = ReadImageInfo(file);
        if (info.ok()) {
          EXPECT_GT(info->size.height, 0);
        }
        file[i] ^= static_cast<std::uint8_t>(bits);
      }
    }
  }
}

TEST(ReadImageInfo, KnowsTheCoefficientsOfProgressiveJpegs) {
  // OpenCV writes 4:2:0: a full and two quarter planes, in blocks of 8 within units of 16.
  const auto pixels = SyntheticPixels(70, 90, 1);
  const auto info =
      ReadImageInfo(EncodeImage(pixels, 70, 90, "jpg", {cv::IMWRITE_JPEG_PROGRESSIVE, 1}));
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->codec_bytes, 80U * 96 * 3 / 2 * 2);
  EXPECT_EQ(ReadImageInfo(EncodeImage(pixels, 70, 90, "jpg"))->codec_bytes, 0U);
}

TEST(ReadImageInfo, HostileStorageOfATiffDoesNotOverflow) {
  auto file = EncodeImage(SyntheticPixels(70, 90, 1), 70, 90, "tif");
  // Every field of the directory with huge values, one after another.
  for (std::size_t i = 4; i + 4 <= file.size(); i += 2) {
    auto hostile = file;
    for (std::size_t k = 0; k < 4; ++k) hostile[i + k] = 0xFF;
    const auto info = ReadImageInfo(hostile);
    if (info.ok()) {
      EXPECT_LT(info->codec_bytes, std::uint64_t{1} << 62);
    }
  }
}

TEST(HasImageSuffix, KnowsTheReferencesListInAnyCase) {
  EXPECT_TRUE(HasImageSuffix("a/b.JPG"));
  EXPECT_TRUE(HasImageSuffix("a.b.avif"));
  EXPECT_FALSE(HasImageSuffix("a.pfm"));
  EXPECT_FALSE(HasImageSuffix("jpg"));
  EXPECT_FALSE(HasImageSuffix("a.jpg/b"));
}

}  // namespace
}  // namespace headroom
