// SPDX-License-Identifier: Apache-2.0
// Every module with every argument away from its default: what the reference computes, recorded by
// tests/against_ultralytics/module_cases.py, against both kinds of operations.
#include "headroom/graph/executor.h"
#include "headroom/nn/model.h"
#include "headroom/nn/module_row.h"
#include "headroom/testing_torch/autograd_oracle.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <set>

namespace headroom {
namespace {

using nlohmann::json;

constexpr std::int64_t kImages = 2;
constexpr std::int64_t kSide = 64;

const json& Recorded() {
  static const json recorded =
      json::parse(std::ifstream(HEADROOM_SOURCE_DIR "/tests/data/golden/modules.json"));
  return recorded;
}

// A number of [0, 2^32), a function of position and stream: as module_cases.py has it.
std::uint64_t Mixed(std::uint64_t position, std::uint64_t stream) {
  std::uint64_t x = position * 2654435761U + stream * 40503 + 12345;
  for (const std::uint64_t factor : {0x45D9F3BU, 0x119DE1F3U}) {
    x &= 0xFFFFFFFFU;
    x = (x ^ (x >> 16)) * factor;
  }
  x &= 0xFFFFFFFFU;
  return x ^ (x >> 16);
}

double UnitOf(std::int64_t position, std::size_t stream) {
  return static_cast<double>(Mixed(static_cast<std::uint64_t>(position), stream)) / 4294967296.0 -
         0.5;
}

void FillEntry(const std::string& name, std::size_t stream, at::Tensor target) {
  at::Tensor host = at::empty(target.sizes(), at::kFloat);
  const double fan_in = host.dim() == 4 ? static_cast<double>(host.numel() / host.size(0)) : 1;
  for (std::int64_t i = 0; i < host.numel(); ++i) {
    const double unit = UnitOf(i, stream);
    const double value = name.ends_with("running_var") ? 1 + 0.8 * unit
                         : host.dim() == 4             ? 2 * std::sqrt(3 / fan_in) * unit
                         : name.ends_with("bn.weight") ? 1 + 0.4 * unit
                                                       : 0.4 * unit;
    host.mutable_data_ptr<float>()[i] = static_cast<float>(value);
  }
  target.copy_(host);
}

void Fill(Model* model) {
  ParameterStore& store = *model->parameters;
  store.Allocate(at::kCPU, Element::kFloat32, true);
  InitializeParameters(*model, 0);
  const auto entries = store.entries();
  for (std::size_t stream = 0; stream < entries.size(); ++stream) {
    const ParameterStore::Entry& entry = entries[stream];
    if (entry.name.find(".dfl.") != std::string::npos) continue;
    if (entry.kind == ParameterStore::EntryKind::kParameter)
      FillEntry(entry.name, stream, store.value(entry.index));
    if (entry.kind == ParameterStore::EntryKind::kStatistic)
      FillEntry(entry.name, stream, store.running_view(entry.index));
  }
  store.RefreshCompute();
}

constexpr std::uint64_t kImageStream = 1000;  // Of the recorded figures.

at::Tensor Images(std::uint64_t stream = kImageStream) {
  at::Tensor images = at::empty({kImages, 3, kSide, kSide}, at::kByte);
  for (std::int64_t i = 0; i < images.numel(); ++i) {
    images.mutable_data_ptr<std::uint8_t>()[i] =
        static_cast<std::uint8_t>(Mixed(static_cast<std::uint64_t>(i), stream) % 256);
  }
  return images;
}

std::vector<std::size_t> OutputsOf(const Model& model) {
  std::vector<std::size_t> outputs;
  const auto add = [&](const HeadOutputs& head) {
    for (std::size_t level = 0; level < head.boxes.size(); ++level)
      outputs.insert(outputs.end(), {head.boxes[level], head.classes[level]});
  };
  add(model.one_to_many);
  if (model.one_to_one) add(*model.one_to_one);
  return outputs;
}

void ExpectMap(const at::Tensor& map, const json& expected, const std::string& what) {
  SCOPED_TRACE(what);
  ASSERT_EQ(map.sizes().vec(), expected["shape"].get<std::vector<std::int64_t>>());
  const at::Tensor flat = map.to(at::kDouble).contiguous().flatten();
  const double norm = expected["norm"];
  EXPECT_NEAR(flat.norm().item<double>(), norm, 1e-4 * norm);
  const double typical = norm / std::sqrt(static_cast<double>(flat.numel()));
  const std::int64_t step = expected["step"];
  for (std::size_t i = 0; i < expected["values"].size(); ++i) {
    EXPECT_NEAR(flat[static_cast<std::int64_t>(i) * step].item<double>(),
                expected["values"][i].get<double>(), 1e-3 * typical)
        << i;
  }
}

class GoldenModules : public ::testing::TestWithParam<std::size_t> {};

TEST_P(GoldenModules, ComputeWhatTheReferenceComputes) {
  const json& golden = Recorded()[GetParam()];
  for (const OpsChoice ops : {OpsChoice::kReference, OpsChoice::kFused}) {
    Model model = BuildModel(ParseModelYaml(golden["yaml"], "case.yaml"),
                             {.classes = 2, .ops = ops}, at::kCPU);
    EXPECT_EQ(model.strides, golden["strides"].get<std::vector<int>>());
    EXPECT_EQ(model.ParameterCount(), golden["parameters"].get<std::int64_t>());
    ASSERT_EQ(model.parameters->entries().size(), golden["entries"].get<std::size_t>());
    Fill(&model);
    for (const Purpose purpose : {Purpose::kInference, Purpose::kTraining}) {
      Executor executor(*model.graph, *model.parameters, at::kCPU);
      executor.Load(
          Lower(*model.graph, {.purpose = purpose, .images = kImages, .extent = {kSide, kSide}}));
      executor.input().copy_(Images());
      executor.Forward();
      const json& maps = golden[purpose == Purpose::kTraining ? "train" : "eval"];
      const std::vector<std::size_t> outputs = OutputsOf(model);
      ASSERT_EQ(outputs.size(), maps.size());
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        ExpectMap(executor.outputs()[outputs[i]], maps[i],
                  std::string(ops == OpsChoice::kFused ? "fused" : "reference") + " ops, " +
                      (purpose == Purpose::kTraining ? "training" : "inference") + ", map " +
                      std::to_string(i));
      }
    }
  }
}

struct WorstGradient {
  double error = 0;  // Norm of the difference by the norm of what is expected.
  std::string name;
};

// Of all parameters, against autograd on these images.
WorstGradient CompareWithAutograd(Model& model, std::uint64_t image_stream) {
  Executor executor(*model.graph, *model.parameters, at::kCPU);
  executor.Load(Lower(*model.graph, {.images = kImages, .extent = {kSide, kSide}}));
  const at::Tensor images = Images(image_stream).contiguous(at::MemoryFormat::ChannelsLast);
  executor.input().copy_(images);
  executor.Forward();
  at::manual_seed(5);
  std::vector<at::Tensor> output_grads;
  for (const at::Tensor& output : executor.outputs())
    output_grads.push_back(at::randn_like(output));
  const testing::OracleResult oracle =
      testing::RunOracle(*model.graph, *model.parameters, images, NormMode::kBatch, output_grads);
  for (std::size_t i = 0; i < output_grads.size(); ++i)
    executor.output_grads()[i].copy_(output_grads[i]);
  executor.Backward();
  WorstGradient worst;
  for (std::size_t i = 0; i < model.parameters->parameters().size(); ++i) {
    const std::string& name = model.parameters->parameters()[i].name;
    const at::Tensor& expected = oracle.grads.at(name);
    if (!expected.defined()) continue;  // The frozen DFL bins.
    const at::Tensor difference = model.parameters->gradient(static_cast<int>(i)) - expected;
    const double error = (difference.norm() / (expected.norm() + 1)).item<double>();
    if (!(error <= worst.error)) worst = {error, name};
  }
  return worst;
}

TEST_P(GoldenModules, HaveTheGradientsOfAutograd) {
  const json& golden = Recorded()[GetParam()];
  for (const OpsChoice ops : {OpsChoice::kReference, OpsChoice::kFused}) {
    Model model = BuildModel(ParseModelYaml(golden["yaml"], "case.yaml"),
                             {.classes = 2, .ops = ops}, at::kCPU);
    Fill(&model);
    // A number beside the kink of a ReLU may come out on its other side in a sum of another order.
    // A wrong gradient is wrong whatever the images.
    WorstGradient worst = CompareWithAutograd(model, kImageStream);
    for (std::uint64_t other = 1; other <= 2 && worst.error >= 5e-4; ++other)
      worst = CompareWithAutograd(model, kImageStream + other);
    EXPECT_LT(worst.error, 5e-4) << worst.name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenModules, ::testing::Range<std::size_t>(0, Recorded().size()),
                         [](const auto& one) {
                           const std::size_t index = one.param;
                           return Recorded()[index]["name"].get<std::string>();
                         });

// C3k is a row of ours alone: the reference has it only inside C3k2.
TEST(GoldenModuleCases, HaveEveryModuleOfTheTable) {
  std::set<std::string> used = {"C3k"};
  for (const json& golden : Recorded()) {
    for (const ModelLayer& layer : ParseModelYaml(golden["yaml"], "case.yaml").layers)
      used.insert(layer.module);
  }
  for (const ModuleRow* row : ModuleTable())
    EXPECT_TRUE(used.contains(std::string(row->word))) << row->word;
}

}  // namespace
}  // namespace headroom
