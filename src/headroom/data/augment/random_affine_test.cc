// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/random_affine.h"

#include "headroom/data/augment/warp.h"
#include "headroom/testing/shared_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace headroom {
namespace {

// Tensor `storage` of a .pt file (a zip archive whose members are not compressed).
template <typename T>
std::vector<T> ReadTensor(const std::string& path, int storage, std::size_t count) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const std::string name = "image/data/" + std::to_string(storage);
  constexpr std::size_t kHeader = 30;
  for (std::size_t at = 0; (at = bytes.find("PK\x03\x04", at, 4)) != std::string::npos; ++at) {
    std::uint16_t name_length = 0, extra_length = 0;
    std::memcpy(&name_length, &bytes[at + 26], 2);
    std::memcpy(&extra_length, &bytes[at + 28], 2);
    if (bytes.substr(at + kHeader, name_length) != name) continue;
    std::vector<T> values(count);
    std::memcpy(values.data(), &bytes[at + kHeader + name_length + extra_length],
                count * sizeof(T));
    return values;
  }
  return {};
}

TEST(RandomAffine, MatchesTheReferencesPixelsAndBoxes) {
  HEADROOM_NEEDS_SHARED("golden/image.pt");
  const std::string path = testing::SharedFile("golden/image.pt");
  const auto source = ReadTensor<std::uint8_t>(path, 11, 640 * 640 * 3);
  const auto expected = ReadTensor<std::uint8_t>(path, 14, 320 * 320 * 3);
  const auto boxes_in = ReadTensor<Xyxy>(path, 15, 40);
  const auto boxes_out = ReadTensor<Xyxy>(path, 16, 32);
  const float zoom = ReadTensor<float>(path, 13, 1).at(0);
  Matrix3 m;
  std::copy_n(ReadTensor<double>(path, 12, 9).begin(), 9, m.m.begin());

  CanvasWarp warp;
  warp.Prepare(MosaicCanvas::Of(PackedView(source.data(), {640, 640})), m, {320, 320}, {});
  std::vector<std::uint8_t> ours(320 * 320 * 3);
  for (int y = 0; y < 320; ++y) warp.Row(y, ours.data() + y * 320 * 3);
  double sum = 0;
  int worst = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const int difference = std::abs(ours[i] - expected[i]);
    sum += difference;
    worst = std::max(worst, difference);
  }
  EXPECT_LT(sum / static_cast<double>(ours.size()), 0.01);
  EXPECT_LE(worst, 1);

  SceneObjects objects;
  for (const Xyxy& box : boxes_in) objects.objects.push_back({.class_id = 0, .box = box});
  WarpObjects(m, zoom, {640, 640}, {320, 320}, &objects);
  ASSERT_EQ(objects.objects.size(), boxes_out.size());
  for (std::size_t i = 0; i < boxes_out.size(); ++i) {
    EXPECT_NEAR(objects.objects[i].box.x1, boxes_out[i].x1, 0.01) << i;
    EXPECT_NEAR(objects.objects[i].box.y1, boxes_out[i].y1, 0.01) << i;
    EXPECT_NEAR(objects.objects[i].box.x2, boxes_out[i].x2, 0.01) << i;
    EXPECT_NEAR(objects.objects[i].box.y2, boxes_out[i].y2, 0.01) << i;
  }
}

TEST(RandomAffine, DrawsCoverTheirRanges) {
  AugmentOptions options;
  options.degrees = 10;
  options.shear = 3;
  options.perspective = 0.0005;
  double zoom_sum = 0, low = 9, high = 0, shift = 0, angle = 0, shear = 0, perspective = 0;
  constexpr int kDraws = 20000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const AffineParameters p = DrawAffine(Rng(8).Fork(i), options);
    zoom_sum += p.zoom;
    low = std::min(low, p.zoom);
    high = std::max(high, p.zoom);
    shift = std::max(shift, std::abs(p.centre_x - 0.5));
    angle = std::max(angle, std::abs(p.rotation_degrees));
    shear = std::max(shear, std::abs(p.shear_y_degrees));
    perspective = std::max(perspective, std::abs(p.perspective_x));
  }
  EXPECT_NEAR(zoom_sum / kDraws, 1, 0.01);
  EXPECT_NEAR(low, 0.5, 0.001);
  EXPECT_NEAR(high, 1.5, 0.001);
  EXPECT_NEAR(shift, 0.1, 0.001);
  EXPECT_NEAR(angle, 10, 0.01);
  EXPECT_NEAR(shear, 3, 0.01);
  EXPECT_NEAR(perspective, 0.0005, 1e-6);
}

TEST(RandomAffine, APairIsTheZoomRangeItself) {
  AugmentOptions options;
  options.zoom_low = 2;
  options.zoom_high = 2;
  EXPECT_EQ(DrawAffine(Rng(1), options).zoom, 2);
}

TEST(RandomAffine, BoxesOfPolygonsHugWhatIsLeftOfThem) {
  SceneObjects objects;
  objects.points = {50, 50, 150, 0, 150, 100};
  objects.objects = {{.class_id = 1, .box = {50, 0, 150, 100}, .first_value = 0, .value_count = 6}};
  WarpObjects(Matrix3{}, 1, {200, 200}, {100, 100}, &objects);
  ASSERT_EQ(objects.objects.size(), 1U);
  EXPECT_EQ(objects.objects[0].box, (Xyxy{50, 25, 100, 75}));
}

}  // namespace
}  // namespace headroom
