// SPDX-License-Identifier: Apache-2.0
// Every fused operation beside its reference twin: the same calls, the same results.
#include "headroom/kernels/simd_target.h"
#include "headroom/ops/operation_factory.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace headroom {
namespace {

using MakeOperation = std::function<std::unique_ptr<Operation>(const OperationFactory&)>;

struct TwinCase {
  std::int64_t images;
  std::int64_t channels;
  Extent extent;
  at::ScalarType type;
};

// A channel slice in the middle of wider rows, as in a concatenation; NaN around it.
at::Tensor Slice(std::int64_t n, std::int64_t c, const Extent& e, at::ScalarType type) {
  const at::Tensor wide =
      at::full({n, c + 5, e.height, e.width}, NAN, type).contiguous(at::MemoryFormat::ChannelsLast);
  return wide.narrow(1, 2, c);
}

at::Tensor Dense(std::int64_t n, std::int64_t c, const Extent& e, at::ScalarType type) {
  return at::randn({n, c, e.height, e.width}).to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

// Quarters, so that pooling has ties and sums are exact.
at::Tensor Quarters(std::int64_t n, std::int64_t c, const Extent& e, at::ScalarType type) {
  const at::Tensor slice = Slice(n, c, e, type);
  slice.copy_(at::randint(-12, 12, slice.sizes()) / 4);
  return slice;
}

struct Results {
  std::vector<at::Tensor> tensors;
};

void ExpectNear(const Results& fused, const Results& reference, at::ScalarType type) {
  ASSERT_EQ(fused.tensors.size(), reference.tensors.size());
  const double tolerance = type == at::kFloat ? 1e-5 : 2e-2;
  for (std::size_t i = 0; i < fused.tensors.size(); ++i) {
    const at::Tensor a = fused.tensors[i].to(at::kFloat);
    const at::Tensor b = reference.tensors[i].to(at::kFloat);
    const double error = ((a - b).norm() / (b.norm() + 1e-3)).item<double>();
    EXPECT_LT(error, tolerance) << "result " << i;
    // Of itself or, where it is a difference of large ones, of their root mean square.
    const double size = std::max(1.0, b.square().mean().sqrt().item<double>());
    EXPECT_TRUE(at::allclose(a, b, 10 * tolerance, 10 * tolerance * size)) << "result " << i;
  }
}

void RunForEveryTarget(const std::function<void(OpsChoice)>& run) {
  for (const SimdTarget& target : SimdTargets()) {
    SCOPED_TRACE(target.name);
    UseSimdTarget(target);
    run(OpsChoice::kFused);
  }
  UseBestSimdTarget();
}

class Twins : public ::testing::TestWithParam<TwinCase> {
 protected:
  // Forward into a dense tensor and into slices that split the channels unevenly; backward from
  // sources that overlap in part.
  static Results Run(OpsChoice ops, const MakeOperation& make, ParameterStore& parameters) {
    const auto& [n, c, extent, type] = GetParam();
    at::manual_seed(5);
    const std::unique_ptr<Operation> operation = make(OperationFactory(ops, at::kCPU));
    const Extent out = operation->OutputExtent(extent);
    Results results;
    OperationCall call;
    call.parameters = &parameters;
    call.inputs = {Quarters(n, c, extent, type)};
    for (const std::int64_t channels : operation->OutputChannels()) {
      const at::Tensor dense = Dense(n, channels, out, type);
      const at::Tensor tail = Slice(n, channels - channels / 3, out, type);
      call.outputs.push_back({{dense, 0}, {tail, channels / 3}});
      results.tensors.insert(results.tensors.end(), {dense, tail});
      call.output_grads.push_back({{Dense(n, channels, out, type), 0}});
      if (channels > 1) {
        const at::Tensor part = Slice(n, channels / 2, out, type);
        part.copy_(at::randn(part.sizes()));
        call.output_grads.back().push_back({part, channels / 4});
      }
    }
    operation->Forward(call);
    at::Tensor grad = Dense(n, c, extent, type);
    call.input_grads = {&grad};
    operation->Backward(call);
    results.tensors.push_back(grad);
    return results;
  }

  static void Compare(const MakeOperation& make) {
    ParameterStore parameters;
    const Results reference = Run(OpsChoice::kReference, make, parameters);
    RunForEveryTarget(
        [&](OpsChoice ops) { ExpectNear(Run(ops, make, parameters), reference, GetParam().type); });
  }
};

TEST_P(Twins, Upsample) {
  Compare([](const OperationFactory& f) { return f.MakeUpsample(GetParam().channels); });
}

TEST_P(Twins, PoolChain) {
  Compare([](const OperationFactory& f) { return f.MakePoolChain(GetParam().channels, 5, 3); });
}

TEST_P(Twins, Attention) {
  const std::int64_t c = GetParam().channels;
  if (c < 3) return;  // q, k and v need a channel each.
  const std::int64_t heads = c % 8 == 0 ? 2 : 1;
  const std::int64_t key = c % 8 == 0 ? c / heads / 4 : 1;
  Compare(
      [&](const OperationFactory& f) { return f.MakeAttention(heads, key, c / heads - 2 * key); });
}

TEST_P(Twins, Pixels) {
  const auto& [n, c, extent, type] = GetParam();
  const auto run = [&](OpsChoice ops) {
    at::manual_seed(6);
    const auto operation = OperationFactory(ops, at::kCPU).MakePixels(c);
    OperationCall call;
    call.inputs = {at::randint(0, 256, {n, c, extent.height, extent.width}, at::kByte)
                       .contiguous(at::MemoryFormat::ChannelsLast)};
    call.outputs = {{{Dense(n, c, extent, type), 0}}};
    operation->Forward(call);
    return Results{{call.outputs[0][0].tensor}};
  };
  const Results reference = run(OpsChoice::kReference);
  RunForEveryTarget([&](OpsChoice ops) { ExpectNear(run(ops), reference, type); });
}

// Convolutions with what follows them: outputs, input gradient, parameter gradients.
class ConvolutionTwins : public Twins {
 protected:
  struct Net {
    ParameterStore store;
    ConvBnActSpec norm;
    int weight = -1;
    int bias = -1;
  };

  static void Declare(Net& net, std::int64_t kernel, bool depthwise, bool residual) {
    const auto& [n, c, extent, type] = GetParam();
    const std::int64_t groups = depthwise ? c : 1;
    net.norm.convolution = {
        .in_channels = c, .out_channels = c, .kernel = kernel, .groups = groups};
    net.norm.residual = residual;
    net.weight = net.norm.weight =
        net.store.AddParameter("w", {c, c / groups, kernel, kernel}, ParameterKind::kWeight);
    net.bias = net.store.AddParameter("b", {c}, ParameterKind::kBias);
    net.norm.norm = net.store.AddNorm("bn", c);
    net.store.Allocate(at::kCPU, type == at::kFloat ? Element::kFloat32 : Element::kBFloat16, true);
    at::manual_seed(8);
    net.store.value(net.weight).normal_(0, 1 / std::sqrt(static_cast<double>(c * kernel)));
    net.store.value(net.bias).normal_();
    net.store.value(net.norm.norm.weight).normal_(1, 0.1);
    net.store.value(net.norm.norm.bias).normal_();
    net.store.RefreshCompute();
  }

  static Results RunNorm(OpsChoice ops, Net& net, NormMode mode) {
    const auto& [n, c, extent, type] = GetParam();
    at::manual_seed(9);
    const auto operation = OperationFactory(ops, at::kCPU).MakeConvBnAct(net.norm);
    OperationCall call;
    call.parameters = &net.store;
    call.norm = mode;
    call.inputs = {Dense(n, c, extent, type)};
    if (net.norm.residual) call.inputs.push_back(Quarters(n, c, extent, type));
    at::Tensor y = Dense(n, c, extent, type);
    call.saved = &y;
    const at::Tensor dense = Dense(n, c, extent, type);
    const at::Tensor slice = Slice(n, c, extent, type);
    call.outputs = {{{dense, 0}, {slice, 0}}};
    operation->Forward(call);
    const at::Tensor extra = Slice(n, c - c / 3, extent, type);
    extra.copy_(at::randn(extra.sizes()));
    call.output_grads = {{{Dense(n, c, extent, type), 0}, {extra, c / 3}}};
    at::Tensor grad = Dense(n, c, extent, type);
    call.input_grads = {&grad, nullptr};
    operation->Backward(call);
    return {{dense, slice, grad, net.store.gradients.clone()}};
  }

  static Results RunBias(OpsChoice ops, Net& net) {
    const auto& [n, c, extent, type] = GetParam();
    at::manual_seed(10);
    const auto operation =
        OperationFactory(ops, at::kCPU).MakeConvBias(net.norm.convolution, net.weight, net.bias);
    OperationCall call;
    call.parameters = &net.store;
    call.inputs = {Dense(n, c, extent, type)};
    call.outputs = {{{Dense(n, c, extent, at::kFloat), 0}}};
    operation->Forward(call);
    call.output_grads = {{{Dense(n, c, extent, at::kFloat), 0}}};
    at::Tensor grad = Dense(n, c, extent, type);
    call.input_grads = {&grad};
    operation->Backward(call);
    return {{call.outputs[0][0].tensor, grad, net.store.gradients.clone()}};
  }
};

TEST_P(ConvolutionTwins, ConvBnActWithBatchAndRunningStatistics) {
  struct Kind {
    std::int64_t kernel;
    bool depthwise;
  };
  for (const Kind& kind : {Kind{1, false}, Kind{3, false}, Kind{3, true}}) {
    for (const NormMode mode : {NormMode::kBatch, NormMode::kRunning}) {
      SCOPED_TRACE(::testing::Message()
                   << "kernel " << kind.kernel << (kind.depthwise ? ", depth-wise" : ""));
      Net net;
      Declare(net, kind.kernel, kind.depthwise, !kind.depthwise);
      const Results reference = RunNorm(OpsChoice::kReference, net, mode);
      RunForEveryTarget(
          [&](OpsChoice ops) { ExpectNear(RunNorm(ops, net, mode), reference, GetParam().type); });
    }
  }
}

TEST_P(ConvolutionTwins, ConvBias) {
  Net net;
  Declare(net, 1, false, false);
  const Results reference = RunBias(OpsChoice::kReference, net);
  RunForEveryTarget(
      [&](OpsChoice ops) { ExpectNear(RunBias(ops, net), reference, GetParam().type); });
}

std::vector<TwinCase> AllCases() {
  std::vector<TwinCase> cases;
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const std::int64_t channels : {1, 3, 8, 12, 24, 80, 95}) {
      cases.push_back({1, channels, {7, 5}, type});
      cases.push_back({7, channels, {6, 9}, type});
    }
  }
  return cases;
}

std::string CaseName(const ::testing::TestParamInfo<TwinCase>& info) {
  return (info.param.type == at::kFloat ? "Fp32" : "Bf16") + std::string("Channels") +
         std::to_string(info.param.channels) + "Batch" + std::to_string(info.param.images);
}

INSTANTIATE_TEST_SUITE_P(All, Twins, ::testing::ValuesIn(AllCases()), CaseName);
INSTANTIATE_TEST_SUITE_P(All, ConvolutionTwins, ::testing::ValuesIn(AllCases()), CaseName);

}  // namespace
}  // namespace headroom
