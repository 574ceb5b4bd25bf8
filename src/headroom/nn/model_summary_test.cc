// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/model_summary.h"

#include <gtest/gtest.h>

#include <string>

namespace headroom {
namespace {

// As the reference prints them.
struct Printed {
  const char* name;
  const char* training;
  const char* fused;  // Null: not known.
};

class Summaries : public ::testing::TestWithParam<Printed> {};

TEST_P(Summaries, AreTheReferences) {
  const Printed& printed = GetParam();
  const Model model =
      BuildModel(ReadModelYaml(std::string(printed.name) + ".yaml"), {.classes = 80}, at::kCPU);
  EXPECT_EQ(SummaryLine(model, ModelForm::kTraining), printed.training);
  if (printed.fused != nullptr) {
    EXPECT_EQ(SummaryLine(model, ModelForm::kFused), printed.fused);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Families, Summaries,
    ::testing::Values(
        Printed{
            "yolo11n",
            "YOLO11n summary: 181 layers, 2,624,080 parameters, 2,624,064 gradients, 6.7 GFLOPs",
            "YOLO11n summary (fused): 100 layers, 2,616,248 parameters, 0 gradients, 6.5 GFLOPs"},
        Printed{"yolo11m",
                "YOLO11m summary: 231 layers, 20,114,688 parameters, 20,114,672 gradients, 68.6 "
                "GFLOPs",
                nullptr},
        Printed{
            "yolov8n",
            "YOLOv8n summary: 129 layers, 3,157,200 parameters, 3,157,184 gradients, 8.9 GFLOPs",
            nullptr},
        Printed{
            "yolo26n",
            "YOLO26n summary: 260 layers, 2,572,280 parameters, 2,572,280 gradients, 6.2 GFLOPs",
            "YOLO26n summary (fused): 120 layers, 2,408,932 parameters, 0 gradients, 5.5 GFLOPs"},
        Printed{"yolo26m",
                "YOLO26m summary: 280 layers, 21,896,248 parameters, 21,896,248 gradients, 75.6 "
                "GFLOPs",
                "YOLO26m summary (fused): 130 layers, 20,411,132 parameters, 0 gradients, 68.4 "
                "GFLOPs"},
        Printed{"yolo26x",
                "YOLO26x summary: 392 layers, 58,993,368 parameters, 58,993,368 gradients, 210.1 "
                "GFLOPs",
                "YOLO26x summary (fused): 188 layers, 55,725,948 parameters, 0 gradients, 194.4 "
                "GFLOPs"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(Summarize, CountsLayersOfTheOtherSizes) {
  const std::pair<const char*, int> layers[] = {
      {"yolo11s", 181}, {"yolo11l", 357}, {"yolo11x", 357}, {"yolov8s", 129}, {"yolov8m", 169},
      {"yolov8l", 209}, {"yolov8x", 209}, {"yolo26s", 260}, {"yolo26l", 392}};
  for (const auto& [name, count] : layers) {
    const Model model =
        BuildModel(ReadModelYaml(std::string(name) + ".yaml"), {.classes = 80}, at::kCPU);
    EXPECT_EQ(Summarize(model, {640, 640}, ModelForm::kTraining).layers, count) << name;
  }
}

}  // namespace
}  // namespace headroom
