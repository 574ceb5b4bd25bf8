// SPDX-License-Identifier: Apache-2.0
// Every fused operation beside its reference twin: the same calls, the same results. Convolutions:
// convolution_twins_test.cc.
#include "headroom/ops/twins_testing.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

using testing::Dense;
using testing::ExpectNear;
using testing::Quarters;
using testing::Results;
using testing::RunForEveryTarget;
using testing::RunForThreadCounts;
using testing::Slice;

using MakeOperation = std::function<std::unique_ptr<Operation>(const OperationFactory&)>;

struct TwinCase {
  std::int64_t images;
  std::int64_t channels;
  Extent extent;
  at::ScalarType type;
};

// Forward into a dense tensor and into slices that split the channels unevenly; backward from
// sources that overlap in part.
Results RunTwin(OpsChoice ops, const MakeOperation& make, const TwinCase& twin) {
  const auto& [n, c, extent, type] = twin;
  at::manual_seed(5);
  const std::unique_ptr<Operation> operation = make(OperationFactory(ops, at::kCPU));
  const Extent out = operation->OutputExtent(extent);
  Results results;
  ParameterStore parameters;
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

class Twins : public ::testing::TestWithParam<TwinCase> {
 protected:
  static void Compare(const MakeOperation& make) {
    const Results reference = RunTwin(OpsChoice::kReference, make, GetParam());
    RunForEveryTarget([&](OpsChoice ops) {
      ExpectNear(RunTwin(ops, make, GetParam()), reference, GetParam().type);
    });
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

// Fewer images than threads, and more.
TEST(TwinThreads, HowManyDoesNotMatter) {
  const MakeOperation makes[] = {
      [](const OperationFactory& f) { return f.MakeUpsample(24); },
      [](const OperationFactory& f) { return f.MakePoolChain(24, 5, 3); },
      [](const OperationFactory& f) { return f.MakeAttention(2, 3, 6); }};
  for (const MakeOperation& make : makes) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      for (const std::int64_t images : {2, 17}) {
        const TwinCase twin{images, 24, {6, 7}, type};
        SCOPED_TRACE(::testing::Message()
                     << make(OperationFactory(OpsChoice::kFused, at::kCPU))->type() << ", "
                     << at::toString(type) << ", " << images << " images");
        const Results reference = RunTwin(OpsChoice::kReference, make, twin);
        RunForThreadCounts(
            [&](OpsChoice ops) { ExpectNear(RunTwin(ops, make, twin), reference, type); });
      }
    }
  }
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

}  // namespace
}  // namespace headroom
