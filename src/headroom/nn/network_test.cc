// SPDX-License-Identifier: Apache-2.0
#include "headroom/graph/arena_layout.h"
#include "headroom/graph/executor.h"
#include "headroom/nn/c2f.h"
#include "headroom/nn/c2psa.h"
#include "headroom/nn/detect_head.h"
#include "headroom/nn/sppf.h"
#include "headroom/testing_torch/autograd_oracle.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace headroom {
namespace {

using testing::OracleResult;
using testing::RunOracle;

// A small network with every module and every kind of connection: skips into concatenations,
// upsampling, residuals, pooling, attention, two heads.
class SmallNetwork {
 public:
  SmallNetwork(OpsChoice ops, Element convolution) : factory_(ops, at::kCPU) {
    NetworkBuilder builder(graph_, parameters_, factory_);
    const ValueId image = builder.Pixels(graph_.AddInput(3));
    builder.set_layer(0);
    ValueId x =
        builder.Apply(builder.DeclareConv("model.0", 3, 8, {.kernel = 3, .stride = 2}), image);
    builder.set_layer(1);
    const ValueId fine =
        C2f(builder, "model.1", 8, 16, {.repeats = 2, .shortcut = true}).Wire(builder, x);
    builder.set_layer(2);
    x = builder.Apply(builder.DeclareConv("model.2", 16, 24, {.kernel = 3, .stride = 2}), fine);
    builder.set_layer(3);
    x = C2f(builder, "model.3", 24, 24, {.shortcut = true, .inner = C2fInner::kC3k})
            .Wire(builder, x);
    builder.set_layer(4);
    x = Sppf(builder, "model.4", 24, 24, {.shortcut = true}).Wire(builder, x);
    builder.set_layer(5);
    const ValueId coarse = C2Psa(builder, "model.5", 24, 2, 0.5).Wire(builder, x);
    builder.set_layer(6);
    x = builder.Upsample(coarse, "model.6");
    builder.set_layer(8);
    x = C2f(builder, "model.8", 40, 12, {.inner = C2fInner::kAttention})
            .Wire(builder, graph_.Concat({x, fine}));
    builder.set_layer(9);
    const DetectHead head(builder, "model.9", {12, 24},
                          {.classes = 5, .reg_max = 4, .end2end = true});
    for (const HeadValues& maps :
         {head.Wire(builder, {x, coarse}), head.WireOneToOne(builder, {x, coarse})}) {
      for (std::size_t level = 0; level < 2; ++level) {
        graph_.MarkOutput(maps.boxes[level]);
        graph_.MarkOutput(maps.classes[level]);
      }
    }
    parameters_.Allocate(at::kCPU, convolution, true);
    at::manual_seed(3);
    for (std::size_t i = 0; i < parameters_.parameters().size(); ++i) {
      const Parameter& p = parameters_.parameters()[i];
      at::Tensor value = parameters_.value(static_cast<int>(i));
      const double fan_in =
          p.shape.size() == 4 ? static_cast<double>(p.shape[1] * p.shape[2] * p.shape[3]) : 4;
      value.copy_(at::randn_like(value) / std::sqrt(fan_in));
      if (p.kind == ParameterKind::kNormWeight) value.add_(1);
    }
    parameters_.running.add_(at::rand_like(parameters_.running) * 0.3);
    parameters_.RefreshCompute();
  }

  Graph graph_;
  ParameterStore parameters_;

 private:
  OperationFactory factory_;
};

at::Tensor RandomImage(std::int64_t n, std::int64_t h, std::int64_t w) {
  return at::randint(0, 256, {n, 3, h, w}, at::kByte).contiguous(at::MemoryFormat::ChannelsLast);
}

double RelativeError(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).norm() / (b.norm() + 1e-6)).item<double>();
}

struct Case {
  OpsChoice ops;
  Recompute recompute;
  NormMode norm;
};

class NetworkAgainstAutograd : public ::testing::TestWithParam<Case> {};

TEST_P(NetworkAgainstAutograd, OutputsAndEveryGradientAgree) {
  SmallNetwork net(GetParam().ops, Element::kFloat32);
  const at::Tensor image = RandomImage(3, 32, 48);
  Executor executor(net.graph_, net.parameters_, at::kCPU);
  executor.set_norm_mode(GetParam().norm);
  executor.Load(
      Lower(net.graph_, {.images = 3, .extent = {32, 48}, .recompute = GetParam().recompute}));
  executor.input().copy_(image);
  executor.Forward();
  std::vector<at::Tensor> output_grads;
  for (const at::Tensor& output : executor.outputs())
    output_grads.push_back(at::randn_like(output));
  const OracleResult oracle =
      RunOracle(net.graph_, net.parameters_, image, GetParam().norm, output_grads);
  for (std::size_t i = 0; i < oracle.outputs.size(); ++i) {
    EXPECT_LT(RelativeError(executor.outputs()[i], oracle.outputs[i]), 1e-5) << "output " << i;
    executor.output_grads()[i].copy_(output_grads[i]);
  }
  executor.Backward();
  for (std::size_t i = 0; i < net.parameters_.parameters().size(); ++i) {
    const std::string& name = net.parameters_.parameters()[i].name;
    const at::Tensor& expected = oracle.grads.at(name);
    if (!expected.defined()) continue;  // The frozen DFL bins.
    // Biases in front of another batch-norm have a gradient of zero but for rounding: hence the
    // + 1.
    const at::Tensor difference = net.parameters_.gradient(static_cast<int>(i)) - expected;
    EXPECT_LT((difference.norm() / (expected.norm() + 1)).item<double>(), 2e-4) << name;
  }
}

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  for (const OpsChoice ops : {OpsChoice::kReference, OpsChoice::kFused}) {
    for (const Recompute recompute :
         {Recompute::kNone, Recompute::kActivations, Recompute::kBlocks}) {
      for (const NormMode norm : {NormMode::kBatch, NormMode::kRunning})
        cases.push_back({ops, recompute, norm});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, NetworkAgainstAutograd, ::testing::ValuesIn(AllCases()));

// As on a device whose allocator takes no placements.
TEST(Executor, ResultsOutsideTheArenaGiveTheSameGradientsAndAreLetGo) {
  const at::Tensor image = RandomImage(2, 32, 32);
  for (const Recompute recompute :
       {Recompute::kNone, Recompute::kActivations, Recompute::kBlocks}) {
    std::vector<at::Tensor> gradients;
    for (const bool placed : {true, false}) {
      SmallNetwork net(OpsChoice::kReference, Element::kFloat32);
      Executor executor(net.graph_, net.parameters_, at::kCPU);
      executor.Load(Lower(
          net.graph_,
          {.images = 2, .extent = {32, 32}, .recompute = recompute, .place_foreign = placed}));
      for (int run = 0; run < 2; ++run) {
        executor.input().copy_(image);
        executor.Forward();
        for (const at::Tensor& grad : executor.output_grads()) grad.fill_(0.1);
        executor.Backward();
      }
      gradients.push_back(net.parameters_.gradients.clone());
    }
    EXPECT_LT(RelativeError(gradients[1], gradients[0]), 1e-5);
  }
}

TEST(Program, RecomputingTakesLessMemory) {
  const SmallNetwork net(OpsChoice::kReference, Element::kFloat32);
  const auto arena = [&](Recompute recompute, Element element) {
    return Lower(net.graph_,
                 {.images = 4, .extent = {256, 256}, .activation = element, .recompute = recompute})
        .arena;
  };
  EXPECT_LT(arena(Recompute::kActivations, Element::kFloat32),
            arena(Recompute::kNone, Element::kFloat32));
  EXPECT_LT(arena(Recompute::kBlocks, Element::kFloat32),
            arena(Recompute::kActivations, Element::kFloat32));
  EXPECT_LT(arena(Recompute::kActivations, Element::kBFloat16).count(),
            arena(Recompute::kActivations, Element::kFloat32).count() * 6 / 10);
}

TEST(Program, BuffersThatLiveTogetherDoNotOverlapAndTheArenaIsTight) {
  const SmallNetwork net(OpsChoice::kReference, Element::kFloat32);
  for (const Purpose purpose : {Purpose::kTraining, Purpose::kInference}) {
    const Program program =
        Lower(net.graph_, {.purpose = purpose, .images = 2, .extent = {128, 160}});
    for (const Buffer& a : program.buffers) {
      ASSERT_GE(a.offset, 0);
      EXPECT_LE(static_cast<std::uint64_t>(a.offset) + a.bytes().count(), program.arena.count());
      for (const Buffer& b : program.buffers) {
        if (&a == &b || a.last_use < b.first_use || b.last_use < a.first_use) continue;
        const bool apart = a.offset + static_cast<std::int64_t>(a.bytes().count()) <= b.offset ||
                           b.offset + static_cast<std::int64_t>(b.bytes().count()) <= a.offset;
        EXPECT_TRUE(apart);
      }
    }
    EXPECT_LE(program.arena.count(), LowerBound(program.buffers).count() * 115 / 100);
  }
}

TEST(Program, InferenceGivesTheSameOutputsInLessMemory) {
  SmallNetwork net(OpsChoice::kReference, Element::kFloat32);
  const at::Tensor image = RandomImage(2, 64, 64);
  Executor executor(net.graph_, net.parameters_, at::kCPU);
  executor.Load(
      Lower(net.graph_, {.purpose = Purpose::kInference, .images = 2, .extent = {64, 64}}));
  executor.input().copy_(image);
  executor.Forward();
  const OracleResult oracle = RunOracle(net.graph_, net.parameters_, image, NormMode::kRunning, {});
  for (std::size_t i = 0; i < oracle.outputs.size(); ++i) {
    EXPECT_LT(RelativeError(executor.outputs()[i], oracle.outputs[i]), 1e-5) << "output " << i;
  }
  EXPECT_LT(executor.program().arena, Lower(net.graph_, {.images = 2, .extent = {64, 64}}).arena);
}

TEST(Program, UnwantedOutputsAreNotComputed) {
  const SmallNetwork net(OpsChoice::kReference, Element::kFloat32);
  ProgramOptions options{.purpose = Purpose::kInference, .images = 1, .extent = {64, 64}};
  const std::size_t all = Lower(net.graph_, options).instructions.size();
  options.wanted_outputs = {true, true, true, true, false, false, false, false};
  const Program program = Lower(net.graph_, options);
  EXPECT_LT(program.instructions.size(), all);
  EXPECT_TRUE(static_cast<bool>(program.outputs[0]));
  EXPECT_FALSE(static_cast<bool>(program.outputs[4]));
}

TEST(Program, FrozenLayersGetNoGradientAndStopBackward) {
  SmallNetwork net(OpsChoice::kReference, Element::kFloat32);
  std::vector<bool> trained(10, false);
  trained[9] = true;
  Executor executor(net.graph_, net.parameters_, at::kCPU);
  executor.Load(Lower(net.graph_, {.images = 1, .extent = {64, 64}, .trained_layers = trained}));
  executor.input().copy_(RandomImage(1, 64, 64));
  executor.Forward();
  for (const at::Tensor& grad : executor.output_grads()) grad.fill_(1);
  executor.Backward();
  std::set<int> layers;
  for (const Instruction& instruction : executor.program().instructions) {
    if (instruction.kind == InstructionKind::kBackward)
      layers.insert(net.graph_.node(instruction.node).layer);
  }
  EXPECT_EQ(layers, std::set<int>{9});
  for (std::size_t i = 0; i < net.parameters_.parameters().size(); ++i) {
    const std::string& name = net.parameters_.parameters()[i].name;
    const double norm = net.parameters_.gradient(static_cast<int>(i)).norm().item<double>();
    if (name.starts_with("model.9")) continue;
    EXPECT_EQ(norm, 0) << name;
  }
}

TEST(Executor, Bfloat16StaysNearFloat) {
  std::vector<std::vector<at::Tensor>> outputs;
  const at::Tensor image = RandomImage(2, 64, 64);
  for (const Element element : {Element::kFloat32, Element::kBFloat16}) {
    SmallNetwork net(OpsChoice::kReference, element);
    Executor executor(net.graph_, net.parameters_, at::kCPU);
    executor.Load(Lower(net.graph_, {.images = 2, .extent = {64, 64}, .activation = element}));
    executor.input().copy_(image);
    executor.Forward();
    auto& copies = outputs.emplace_back();
    for (const at::Tensor& output : executor.outputs()) copies.push_back(output.clone());
    for (const at::Tensor& grad : executor.output_grads()) grad.fill_(0.1);
    executor.Backward();
    EXPECT_TRUE(at::isfinite(net.parameters_.gradients).all().item<bool>());
  }
  for (std::size_t i = 0; i < outputs[0].size(); ++i)
    EXPECT_LT(RelativeError(outputs[1][i], outputs[0][i]), 0.15);
}

}  // namespace
}  // namespace headroom
