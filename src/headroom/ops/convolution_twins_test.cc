// SPDX-License-Identifier: Apache-2.0
// Convolutions with what follows them beside their reference twins: outputs, input gradient,
// parameter gradients.
#include "headroom/ops/twins_testing.h"

#include <gtest/gtest.h>

#include <string>

namespace headroom {
namespace {

using testing::Dense;
using testing::ExpectNear;
using testing::Quarters;
using testing::Results;
using testing::RunForEveryTarget;
using testing::RunForThreadCounts;
using testing::Slice;

struct ConvolutionCase {
  ConvolutionSpec convolution;
  std::int64_t images = 1;
  Extent extent;
  at::ScalarType type = at::kFloat;
  Activation activation = Activation::kSilu;
  bool residual = false;
};

struct Net {
  explicit Net(const ConvolutionCase& k) : twin(k) {
    const ConvolutionSpec& c = k.convolution;
    norm = {.convolution = c, .activation = k.activation, .residual = k.residual};
    weight = norm.weight =
        store.AddParameter("w", {c.out_channels, c.in_channels / c.groups, c.kernel, c.kernel},
                           ParameterKind::kWeight);
    bias = store.AddParameter("b", {c.out_channels}, ParameterKind::kBias);
    norm.norm = store.AddNorm("bn", c.out_channels);
    store.Allocate(at::kCPU, k.type == at::kFloat ? Element::kFloat32 : Element::kBFloat16, true);
    at::manual_seed(8);
    store.value(weight).normal_(0, 1 / std::sqrt(static_cast<double>(c.in_channels * c.kernel)));
    store.value(bias).normal_();
    store.value(norm.norm.weight).normal_(1, 0.1);
    store.value(norm.norm.bias).normal_();
    store.RefreshCompute();
  }

  // Of the input and of what comes out.
  [[nodiscard]] at::Tensor Input(at::ScalarType type) const {
    return Dense(twin.images, twin.convolution.in_channels, twin.extent, type);
  }
  [[nodiscard]] Extent OutputExtent() const { return twin.convolution.OutputExtent(twin.extent); }
  [[nodiscard]] at::Tensor Output(at::ScalarType type) const {
    return Dense(twin.images, twin.convolution.out_channels, OutputExtent(), type);
  }

  const ConvolutionCase twin;
  ParameterStore store;
  ConvBnActSpec norm;
  int weight = -1;
  int bias = -1;
};

// Which channels of the output have a gradient.
enum class Sources { kOverlapping, kSome, kNone };

std::vector<ChannelTensor> GradientsOf(const Net& net, Sources sources) {
  const ConvolutionCase& k = net.twin;
  const std::int64_t c = k.convolution.out_channels;
  if (sources == Sources::kNone) return {};
  const at::Tensor part =
      Slice(k.images, sources == Sources::kSome ? c / 3 : c - c / 3, net.OutputExtent(), k.type);
  part.copy_(at::randn(part.sizes()));
  if (sources == Sources::kSome) return {{part, c / 3}};
  return {{net.Output(k.type), 0}, {part, c / 3}};
}

Results RunNorm(OpsChoice ops, Net& net, NormMode mode, Sources sources = Sources::kOverlapping) {
  const ConvolutionCase& k = net.twin;
  const std::int64_t channels = k.convolution.out_channels;
  const Extent out = net.OutputExtent();
  at::manual_seed(9);
  const auto operation = OperationFactory(ops, at::kCPU).MakeConvBnAct(net.norm);
  OperationCall call;
  call.parameters = &net.store;
  call.norm = mode;
  call.inputs = {net.Input(k.type)};
  if (k.residual) call.inputs.push_back(Quarters(k.images, channels, out, k.type));
  at::Tensor y = net.Output(k.type);
  call.saved = &y;
  const at::Tensor dense = net.Output(k.type);
  const at::Tensor slice = Slice(k.images, channels, out, k.type);
  call.outputs = {{{dense, 0}, {slice, 0}}};
  operation->Forward(call);
  call.output_grads = {GradientsOf(net, sources)};
  at::Tensor grad = net.Input(k.type);
  call.input_grads = {&grad, nullptr};
  operation->Backward(call);
  return {{dense, slice, grad, net.store.gradients.clone()}};
}

Results RunBias(OpsChoice ops, Net& net) {
  const ConvolutionCase& k = net.twin;
  at::manual_seed(10);
  const auto operation =
      OperationFactory(ops, at::kCPU).MakeConvBias(k.convolution, net.weight, net.bias);
  OperationCall call;
  call.parameters = &net.store;
  call.inputs = {net.Input(k.type)};
  call.outputs = {{{net.Output(at::kFloat), 0}}};
  operation->Forward(call);
  call.output_grads = {{{net.Output(at::kFloat), 0}}};
  at::Tensor grad = net.Input(k.type);
  call.input_grads = {&grad};
  operation->Backward(call);
  return {{call.outputs[0][0].tensor, grad, net.store.gradients.clone()}};
}

// Runs the twins by RunForEveryTarget or RunForThreadCounts.
using RunFused = void (*)(const std::function<void(OpsChoice)>&);

void CompareNorm(const ConvolutionCase& k, NormMode mode, Sources sources, RunFused run) {
  SCOPED_TRACE(::testing::Message() << at::toString(k.type) << ", mode " << static_cast<int>(mode)
                                    << ", sources " << static_cast<int>(sources));
  Net net(k);
  const Results reference = RunNorm(OpsChoice::kReference, net, mode, sources);
  run([&](OpsChoice ops) { ExpectNear(RunNorm(ops, net, mode, sources), reference, k.type); });
}

void CompareBias(const ConvolutionCase& k, RunFused run) {
  SCOPED_TRACE(at::toString(k.type));
  Net net(k);
  const Results reference = RunBias(OpsChoice::kReference, net);
  run([&](OpsChoice ops) { ExpectNear(RunBias(ops, net), reference, k.type); });
}

constexpr NormMode kModes[] = {NormMode::kBatch, NormMode::kRunning};
constexpr at::ScalarType kTypes[] = {at::kFloat, at::kBFloat16};

// As many channels out as in, around every vector length.
struct WidthCase {
  std::int64_t images;
  std::int64_t channels;
  Extent extent;
  at::ScalarType type;
};

class ConvolutionTwins : public ::testing::TestWithParam<WidthCase> {
 protected:
  static ConvolutionCase Case(std::int64_t kernel, std::int64_t groups) {
    const auto& [images, c, extent, type] = GetParam();
    return {
        .convolution = {.in_channels = c, .out_channels = c, .kernel = kernel, .groups = groups},
        .images = images,
        .extent = extent,
        .type = type};
  }
};

TEST_P(ConvolutionTwins, ConvBnActWithBatchAndRunningStatistics) {
  struct Kind {
    std::int64_t kernel;
    bool depthwise;
  };
  for (const Kind& kind : {Kind{1, false}, Kind{3, false}, Kind{3, true}}) {
    SCOPED_TRACE(::testing::Message()
                 << "kernel " << kind.kernel << (kind.depthwise ? ", depth-wise" : ""));
    ConvolutionCase k = Case(kind.kernel, kind.depthwise ? GetParam().channels : 1);
    k.residual = !kind.depthwise;
    for (const NormMode mode : kModes)
      CompareNorm(k, mode, Sources::kOverlapping, RunForEveryTarget);
  }
}

TEST_P(ConvolutionTwins, ConvBias) { CompareBias(Case(1, 1), RunForEveryTarget); }

std::vector<WidthCase> AllWidths() {
  std::vector<WidthCase> cases;
  for (const at::ScalarType type : kTypes) {
    for (const std::int64_t channels : {1, 3, 8, 12, 24, 80, 95}) {
      cases.push_back({1, channels, {7, 5}, type});
      cases.push_back({7, channels, {6, 9}, type});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, ConvolutionTwins, ::testing::ValuesIn(AllWidths()),
                         [](const auto& twin) {
                           return (twin.param.type == at::kFloat ? "Fp32" : "Bf16") +
                                  std::string("Channels") + std::to_string(twin.param.channels) +
                                  "Batch" + std::to_string(twin.param.images);
                         });

// The other geometries of a network, at sizes that stride 2 does not divide.
struct Geometry {
  const char* name;
  ConvolutionSpec convolution;
  Activation activation = Activation::kSilu;
};

class ConvolutionGeometryTwins : public ::testing::TestWithParam<Geometry> {
 protected:
  static ConvolutionCase Case(at::ScalarType type) {
    return {.convolution = GetParam().convolution,
            .images = 3,
            .extent = {13, 11},
            .type = type,
            .activation = GetParam().activation};
  }
};

TEST_P(ConvolutionGeometryTwins, ConvBnAct) {
  for (const at::ScalarType type : kTypes) {
    for (const NormMode mode : kModes)
      CompareNorm(Case(type), mode, Sources::kOverlapping, RunForEveryTarget);
  }
}

TEST_P(ConvolutionGeometryTwins, ConvBias) {
  for (const at::ScalarType type : kTypes) CompareBias(Case(type), RunForEveryTarget);
}

constexpr Geometry kGeometries[] = {
    {"Stem", {.in_channels = 3, .out_channels = 16, .kernel = 3, .stride = 2}},
    {"Widening", {.in_channels = 3, .out_channels = 16, .kernel = 3}},
    {"Downsampling", {.in_channels = 24, .out_channels = 80, .kernel = 3, .stride = 2}},
    {"Pointwise", {.in_channels = 24, .out_channels = 80, .kernel = 1}},
    {"PointwiseStride2", {.in_channels = 24, .out_channels = 80, .kernel = 1, .stride = 2}},
    {"Spatial", {.in_channels = 24, .out_channels = 80, .kernel = 3}},
    {"Narrowing", {.in_channels = 80, .out_channels = 24, .kernel = 3}},
    {"TwoGroups", {.in_channels = 16, .out_channels = 24, .kernel = 3, .groups = 2}},
    {"TwoGroupsPointwise", {.in_channels = 16, .out_channels = 24, .kernel = 1, .groups = 2}},
    {"TwoGroupsStride2",
     {.in_channels = 16, .out_channels = 24, .kernel = 3, .stride = 2, .groups = 2}},
    {"DepthwiseStride2",
     {.in_channels = 24, .out_channels = 24, .kernel = 3, .stride = 2, .groups = 24}},
    {"Padded",
     {.in_channels = 3, .out_channels = 16, .kernel = 6, .stride = 2, .explicit_padding = 2}},
    {"Unpadded", {.in_channels = 16, .out_channels = 16, .kernel = 3, .explicit_padding = 0}},
    {"WidelyPadded", {.in_channels = 16, .out_channels = 16, .kernel = 3, .explicit_padding = 2}},
    {"PaddedPointwise",
     {.in_channels = 24, .out_channels = 80, .kernel = 1, .explicit_padding = 1}},
    {"Dilated", {.in_channels = 16, .out_channels = 24, .kernel = 3, .dilation = 2}},
    {"DilatedStride2",
     {.in_channels = 16, .out_channels = 16, .kernel = 3, .stride = 2, .dilation = 3}},
    {"DilatedDepthwise",
     {.in_channels = 24, .out_channels = 24, .kernel = 3, .groups = 24, .dilation = 2}},
    {"SpatialIdentity",
     {.in_channels = 16, .out_channels = 16, .kernel = 3},
     Activation::kIdentity},
    {"PointwiseIdentity",
     {.in_channels = 24, .out_channels = 80, .kernel = 1},
     Activation::kIdentity},
    {"DepthwiseIdentity",
     {.in_channels = 24, .out_channels = 24, .kernel = 3, .groups = 24},
     Activation::kIdentity},
};

INSTANTIATE_TEST_SUITE_P(All, ConvolutionGeometryTwins, ::testing::ValuesIn(kGeometries),
                         [](const auto& twin) { return std::string(twin.param.name); });

TEST(ConvBnActTwins, ChannelsWithoutAGradientSourceHaveGradientZero) {
  for (const std::int64_t channels : {3, 24, 95}) {
    for (const at::ScalarType type : kTypes) {
      SCOPED_TRACE(::testing::Message() << channels << " channels");
      const ConvolutionCase k{.convolution = {.in_channels = 8, .out_channels = channels},
                              .images = 3,
                              .extent = {6, 9},
                              .type = type};
      for (const NormMode mode : kModes) {
        CompareNorm(k, mode, Sources::kSome, RunForEveryTarget);
        CompareNorm(k, mode, Sources::kNone, RunForEveryTarget);
      }
    }
  }
}

// Fewer images than threads, and as many as are shared out among 3 and 8 of them.
class ConvolutionThreadTwins : public ::testing::TestWithParam<ConvolutionCase> {};

TEST_P(ConvolutionThreadTwins, TheirNumberDoesNotMatter) {
  CompareNorm(GetParam(), NormMode::kBatch, Sources::kOverlapping, RunForThreadCounts);
}

constexpr ConvolutionSpec kSpatial{.in_channels = 24, .out_channels = 24, .kernel = 3};
constexpr ConvolutionSpec kPointwise{.in_channels = 24, .out_channels = 80};
constexpr ConvolutionSpec kStem{.in_channels = 3, .out_channels = 16, .kernel = 3, .stride = 2};
constexpr ConvolutionSpec kDepthwise{
    .in_channels = 24, .out_channels = 24, .kernel = 3, .groups = 24};

INSTANTIATE_TEST_SUITE_P(All, ConvolutionThreadTwins,
                         ::testing::Values(ConvolutionCase{kSpatial, 2, {8, 8}, at::kFloat},
                                           ConvolutionCase{kSpatial, 16, {8, 8}, at::kBFloat16},
                                           ConvolutionCase{kPointwise, 16, {8, 8}, at::kFloat},
                                           ConvolutionCase{kPointwise, 2, {8, 8}, at::kBFloat16},
                                           ConvolutionCase{kStem, 16, {9, 7}, at::kBFloat16},
                                           ConvolutionCase{kDepthwise, 16, {8, 8}, at::kFloat}));

TEST(ConvBiasTwins, TheNumberOfThreadsDoesNotMatter) {
  for (const at::ScalarType type : kTypes)
    CompareBias({kPointwise, 2, {8, 8}, type}, RunForThreadCounts);
}

}  // namespace
}  // namespace headroom
