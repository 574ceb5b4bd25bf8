// SPDX-License-Identifier: Apache-2.0
// ONNX files that the reference exported, run in ONNX Runtime, against our own pass of the weights
// that they were exported from.
#include "headroom/deploy/export_test_data.h"
#include "headroom/image/image_decoder.h"
#include "headroom/image/letterbox.h"
#include "headroom/testing/shared_files.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace headroom {
namespace {

namespace fs = std::filesystem;

constexpr ImageSize kCanvas = {320, 320};

// A photograph of the val split as the network sees it: uint8 [1, 3, 320, 320], RGB.
at::Tensor Photograph(std::size_t index) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::directory_iterator(testing::SharedFile("data/bccd/images/val")))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  Image image;
  const auto info = ImageDecoder().Decode(paths.at(index), {.order = ColorOrder::kRgb}, &image);
  EXPECT_TRUE(info.ok());
  at::Tensor pixels = at::empty({1, kCanvas.height, kCanvas.width, 3}, at::kByte);
  Letterbox(image.view(), PlanLetterbox(image.size(), {.canvas = kCanvas}),
            PackedView(pixels.mutable_data_ptr<std::uint8_t>(), kCanvas));
  return pixels.permute({0, 3, 1, 2});
}

std::string OnnxFile(const char* name) { return testing::SharedFile("reference-run/files") / name; }

TEST(ReferenceOnnx, WithoutSuppressionGivesWhatOurPassOfTheOneToOneHeadGives) {
  if (testing::Python() == nullptr) GTEST_SKIP() << "HEADROOM_ULTRALYTICS_PYTHON is not set";
  HEADROOM_NEEDS_SHARED("reference-run");
  HEADROOM_NEEDS_SHARED("data/bccd");
  Model model = testing::ReferenceModel("yolo26n");
  for (const std::size_t index : {0U, 20U, 50U}) {
    const at::Tensor pixels = Photograph(index);
    const at::Tensor expected = testing::OwnEndToEnd(model, pixels, 300);
    ASSERT_GT((expected.select(2, 4) > 0.25).sum().item<int>(), 4);
    EXPECT_TRUE(testing::CheckInPython(OnnxFile("yolo26n-8.4-nms-free.onnx"),
                                       testing::NetworkInput(pixels), expected, 2e-3,
                                       testing::RowOrder::kAny))
        << index;
  }
}

TEST(ReferenceOnnx, GivesWhatOurPassGives) {
  if (testing::Python() == nullptr) GTEST_SKIP() << "HEADROOM_ULTRALYTICS_PYTHON is not set";
  HEADROOM_NEEDS_SHARED("reference-run");
  HEADROOM_NEEDS_SHARED("data/bccd");
  Model model = testing::ReferenceModel("yolo11n");
  const at::Tensor pixels = Photograph(0);
  EXPECT_TRUE(testing::CheckInPython(OnnxFile("yolo11n-8.4.onnx"), testing::NetworkInput(pixels),
                                     testing::OwnPredictions(model, pixels, false), 2e-3));
}

}  // namespace
}  // namespace headroom
