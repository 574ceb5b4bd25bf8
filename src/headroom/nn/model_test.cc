// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/model.h"

#include "headroom/core/error.h"
#include "headroom/graph/executor.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing_torch/golden.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace headroom {
namespace {

using testing::ReadTensorFile;
using testing::SharedFile;
using testing::TensorFile;

struct Totals {
  const char* name;
  std::int64_t parameters;
  std::size_t entries;
};

class Families : public ::testing::TestWithParam<Totals> {};

TEST_P(Families, ParametersAndStateDictEntriesAreTheReferences) {
  const Model model = BuildModel(ReadModelYaml(GetParam().name), {.classes = 80}, at::kCPU);
  EXPECT_EQ(model.ParameterCount(), GetParam().parameters);
  EXPECT_EQ(model.parameters->entries().size(), GetParam().entries);
  const bool has_p2 = std::string(GetParam().name).find("-p2") != std::string::npos;
  EXPECT_EQ(model.strides,
            has_p2 ? (std::vector<int>{4, 8, 16, 32}) : (std::vector<int>{8, 16, 32}));
}

TEST_P(Families, RecomputingActivationsRunsNoConvolutionAgainAndBlocksTakeLess) {
  const Model model = BuildModel(ReadModelYaml(GetParam().name), {.classes = 80}, at::kCPU);
  std::vector<Bytes> arenas;
  for (const Recompute recompute :
       {Recompute::kNone, Recompute::kActivations, Recompute::kBlocks}) {
    const Program program =
        Lower(*model.graph, {.images = 2, .extent = {320, 320}, .recompute = recompute});
    arenas.push_back(program.arena);
    if (recompute == Recompute::kBlocks) continue;
    for (const Instruction& instruction : program.instructions) {
      if (instruction.kind != InstructionKind::kRecomputeForward) continue;
      const Node& node = model.graph->node(instruction.node);
      EXPECT_TRUE(node.operation->ParameterIndices().empty()) << node.name;
    }
  }
  EXPECT_LT(arenas[1], arenas[0]);
  EXPECT_LT(arenas[2], arenas[1]);
}

INSTANTIATE_TEST_SUITE_P(
    All, Families,
    ::testing::Values(
        Totals{"yolo11n.yaml", 2624080, 499}, Totals{"yolo11s.yaml", 9458752, 499},
        Totals{"yolo11m.yaml", 20114688, 649}, Totals{"yolo11l.yaml", 25372160, 1015},
        Totals{"yolo11x.yaml", 56966176, 1015}, Totals{"yolov8n.yaml", 3157200, 355},
        Totals{"yolov8s.yaml", 11166560, 355}, Totals{"yolov8m.yaml", 25902640, 475},
        Totals{"yolov8l.yaml", 43691520, 595}, Totals{"yolov8x.yaml", 68229648, 595},
        Totals{"yolo26n.yaml", 2572280, 708}, Totals{"yolo26s.yaml", 10009784, 708},
        Totals{"yolo26m.yaml", 21896248, 768}, Totals{"yolo26l.yaml", 26299704, 1092},
        Totals{"yolo26x.yaml", 58993368, 1092}, Totals{"yolov8n-p2.yaml", 3354144, 437},
        Totals{"yolov8s-p2.yaml", 10884336, 437}, Totals{"yolov8m-p2.yaml", 25082496, 581},
        Totals{"yolov8l-p2.yaml", 42888080, 725}, Totals{"yolov8x-p2.yaml", 66637536, 725},
        Totals{"yolo26n-p2.yaml", 2662400, 902}, Totals{"yolo26s-p2.yaml", 9765856, 902},
        Totals{"yolo26m-p2.yaml", 21144288, 962}, Totals{"yolo26l-p2.yaml", 25815520, 1370},
        Totals{"yolo26x-p2.yaml", 57935232, 1370}),
    [](const auto& one) {
      std::string name =
          std::string(one.param.name).substr(0, std::string(one.param.name).find('.'));
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

TEST(BuildModel, EveryLayerOfYolo11nHasTheReferencesParameters) {
  const Model model = BuildModel(ReadModelYaml("yolo11n.yaml"), {.classes = 3}, at::kCPU);
  const std::vector<std::int64_t> expected = {
      464, 4672,   6640, 36992, 26080, 147712, 87040, 295424, 346112, 164608, 249728, 0,
      0,   111296, 0,    0,     32096, 36992,  0,     86720,  147712, 0,      378880, 431257};
  ASSERT_EQ(model.layers.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(model.layers[i].parameters, expected[i]) << "layer " << i;
  EXPECT_EQ(model.TrainedCount(), model.ParameterCount() - 16);
}

TEST(BuildModel, UnknownModulesAreNamedWithTheirLine) {
  const std::string text =
      "nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\n  - [-1, 1, Swin, [8]]\nhead:\n  - [[1], 1, "
      "Detect, [nc]]\n";
  try {
    (void)BuildModel(ParseModelYaml(text, "mine.yaml"), {.classes = 2}, at::kCPU);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("mine.yaml:4"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("Swin"), std::string::npos);
  }
}

TEST(InitializeParameters, IsAFunctionOfTheSeed) {
  std::vector<at::Tensor> values;
  for (const std::uint64_t seed : {1ULL, 1ULL, 2ULL}) {
    Model model = BuildModel(ReadModelYaml("yolo11n.yaml"), {.classes = 95}, at::kCPU);
    model.parameters->Allocate(at::kCPU, Element::kFloat32, false);
    InitializeParameters(model, seed);
    values.push_back(model.parameters->values.clone());
  }
  EXPECT_TRUE(values[0].equal(values[1]));
  EXPECT_FALSE(values[0].equal(values[2]));
}

// Loads a state dict by name; every entry must be there, in the model's order.
Model LoadedModel(const std::string& yaml, std::int64_t classes, const TensorFile& weights,
                  OpsChoice ops) {
  Model model = BuildModel(ReadModelYaml(yaml), {.classes = classes, .ops = ops}, at::kCPU);
  model.parameters->Allocate(at::kCPU, Element::kFloat32, true);
  std::vector<std::string> names;
  for (const ParameterStore::Entry& entry : model.parameters->entries()) {
    names.push_back(entry.name);
    if (entry.kind == ParameterStore::EntryKind::kParameter)
      model.parameters->value(entry.index).copy_(weights.at(entry.name));
    if (entry.kind == ParameterStore::EntryKind::kStatistic)
      model.parameters->running_view(entry.index).copy_(weights.at(entry.name));
  }
  EXPECT_EQ(names, weights.order);
  return model;
}

double RelativeError(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

struct GoldenCase {
  const char* yaml;
  const char* files;
  std::int64_t classes;
};

class GoldenForward : public ::testing::TestWithParam<std::tuple<GoldenCase, OpsChoice>> {};

TEST_P(GoldenForward, HeadMapsAgreeInBothModes) {
  const auto& [golden, ops] = GetParam();
  const std::string prefix = std::string("golden/") + golden.files;
  HEADROOM_NEEDS_SHARED(prefix + "-forward.pt");
  const TensorFile forward = ReadTensorFile(SharedFile(prefix + "-forward.pt"));
  Model model = LoadedModel(golden.yaml, golden.classes,
                            ReadTensorFile(SharedFile(prefix + "-weights.pt")), ops);
  const at::Tensor image = forward.at("image");
  const Extent extent{image.size(2), image.size(3)};
  for (const Purpose purpose : {Purpose::kInference, Purpose::kTraining}) {
    const std::string mode = purpose == Purpose::kTraining ? "train_" : "";
    Executor executor(*model.graph, *model.parameters, at::kCPU);
    executor.Load(
        Lower(*model.graph, {.purpose = purpose, .images = image.size(0), .extent = extent}));
    executor.input().copy_(image);
    executor.Forward();
    for (std::size_t level = 0; level < 3; ++level) {
      if (model.one_to_one) continue;
      const at::Tensor map = at::cat({executor.outputs()[model.one_to_many.boxes[level]],
                                      executor.outputs()[model.one_to_many.classes[level]]},
                                     1);
      EXPECT_LT(RelativeError(map, forward.at(mode + "feat." + std::to_string(level))), 1e-4)
          << mode << level;
    }
    if (!model.one_to_one) continue;
    for (const auto& [name, head] :
         {std::pair{"one2many", &model.one_to_many}, std::pair{"one2one", &*model.one_to_one}}) {
      std::vector<at::Tensor> boxes;
      std::vector<at::Tensor> scores;
      for (std::size_t level = 0; level < 3; ++level) {
        boxes.push_back(executor.outputs()[head->boxes[level]].flatten(2));
        scores.push_back(executor.outputs()[head->classes[level]].flatten(2));
      }
      EXPECT_LT(RelativeError(at::cat(boxes, 2), forward.at(mode + name + ".boxes")), 1e-4)
          << mode << name;
      EXPECT_LT(RelativeError(at::cat(scores, 2), forward.at(mode + name + ".scores")), 1e-4)
          << mode << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, GoldenForward,
    ::testing::Combine(::testing::Values(GoldenCase{"yolo11n.yaml", "yolo11n-nc3", 3},
                                         GoldenCase{"yolov8n.yaml", "yolov8n-nc2", 2},
                                         GoldenCase{"yolo26n.yaml", "yolo26n-nc3", 3}),
                       ::testing::Values(OpsChoice::kReference, OpsChoice::kFused)));

}  // namespace
}  // namespace headroom
