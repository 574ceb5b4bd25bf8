// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/musgd.h"

#include "headroom/testing/shared_files.h"
#include "headroom/testing_torch/golden.h"

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

namespace headroom {
namespace {

using testing::ReadTensorFile;
using testing::SharedFile;

TEST(MuSgd, FollowsTheReferencesTrajectory) {
  HEADROOM_NEEDS_SHARED("golden/musgd.pt");
  const auto file = ReadTensorFile(SharedFile("golden/musgd.pt"));
  std::vector<Parameter> parameters;
  std::int64_t offset = 0;
  for (const char* name : {"conv3", "dw", "pw", "pw2", "lin", "bias"}) {
    const at::Tensor& w = file.at(fmt::format("w0.{}", name));
    parameters.push_back({.name = name,
                          .shape = w.sizes().vec(),
                          .offset = offset,
                          .count = w.numel(),
                          .kind = w.dim() == 1 ? ParameterKind::kBias : ParameterKind::kWeight});
    offset += w.numel();
  }
  // Rows as they lie in memory here: channels last does not matter to Newton-Schulz.
  const auto flat = [&](const std::string& prefix) {
    std::vector<at::Tensor> parts;
    for (const Parameter& p : parameters)
      parts.push_back(file.at(prefix + p.name).contiguous().view({-1}));
    return at::cat(parts);
  };
  at::Tensor values = flat("w0.").clone();
  const auto optimizer = MakeOptimizer(OptimizerKind::kMuSgd, parameters, offset, at::kCPU);
  std::vector<GroupStep> steps(8, {.lr = 0.01, .momentum = 0.9, .weight_decay = 5e-4});
  steps[4].weight_decay = steps[5].weight_decay = 0;
  at::Tensor previous = values.clone();
  for (int i = 0; i < 4; ++i) {
    optimizer->Step({.values = values, .gradients = flat(fmt::format("grad{}.", i))}, steps);
    const at::Tensor expected = flat(fmt::format("w{}.", i + 1));
    for (const Parameter& p : parameters) {
      const auto cut = [&](const at::Tensor& t) { return t.narrow(0, p.offset, p.count); };
      const double error = (cut(values) - cut(expected)).norm().item<double>();
      EXPECT_LT(error, 1e-2 * (cut(expected) - cut(previous)).norm().item<double>())
          << p.name << " step " << i;
    }
    previous = expected;
    values.copy_(expected);
  }
}

// Records what is allocated while it lives.
class CountingAllocator final : public c10::Allocator {
 public:
  CountingAllocator() : wrapped_(c10::GetCPUAllocator()) { c10::SetCPUAllocator(this, 255); }
  ~CountingAllocator() override { c10::SetCPUAllocator(wrapped_, 255); }
  c10::DataPtr allocate(std::size_t bytes) override {
    if (bytes > 0) sizes.push_back(bytes);
    return wrapped_->allocate(bytes);
  }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    wrapped_->copy_data(to, from, bytes);
  }
  // oneDNN's glue allocates raw memory.
  [[nodiscard]] c10::DeleterFnPtr raw_deleter() const override { return wrapped_->raw_deleter(); }
  std::vector<std::size_t> sizes;

 private:
  c10::Allocator* wrapped_;
};

// Wide, tall and depth-wise matrices and a bias.
std::vector<Parameter> Parameters() {
  std::vector<Parameter> parameters;
  std::int64_t offset = 0;
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{64, 32, 3, 3},
                                                 {128, 48, 1, 1},
                                                 {96, 1, 3, 3},
                                                 {40, 40, 1, 1},
                                                 {40}}) {
    const std::int64_t count = c10::multiply_integers(shape);
    parameters.push_back(
        {.name = "p",
         .shape = shape,
         .offset = offset,
         .count = count,
         .kind = shape.size() == 1 ? ParameterKind::kBias : ParameterKind::kWeight});
    offset += (count + 15) / 16 * 16;
  }
  return parameters;
}

TEST(MuSgd, AgreesWithItsTwin) {
  const std::vector<Parameter> parameters = Parameters();
  const std::int64_t count = parameters.back().offset + parameters.back().count;
  at::manual_seed(5);
  at::Tensor ours = at::randn({count}) * 0.1;
  at::Tensor twins = ours.clone();
  at::Tensor ema = ours.clone(), twin_ema = ours.clone();
  const auto optimizer = MakeMuSgd(parameters, count, at::kCPU),
             twin = MakeAtenMuSgd(parameters, count, at::kCPU);
  const std::vector<GroupStep> steps(8, {.lr = 0.01, .momentum = 0.9, .weight_decay = 5e-4});
  for (int i = 0; i < 3; ++i) {
    const at::Tensor gradients = at::randn({count}), before = twins.clone();
    optimizer->Step({.values = ours,
                     .gradients = gradients,
                     .gradient_scale = 0.5,
                     .ema = ema,
                     .ema_decay = 0.9},
                    steps);
    twin->Step({.values = twins,
                .gradients = gradients,
                .gradient_scale = 0.5,
                .ema = twin_ema,
                .ema_decay = 0.9},
               steps);
    for (const Parameter& p : parameters) {
      const auto cut = [&](const at::Tensor& t) { return t.narrow(0, p.offset, p.count); };
      const double moved = (cut(twins) - cut(before)).norm().item<double>();
      EXPECT_LT((cut(ours) - cut(twins)).norm().item<double>(), 5e-3 * moved)
          << p.shape << " step " << i;
    }
  }
  EXPECT_LT((ema - twin_ema).abs().max().item<double>(), 1e-4);
}

TEST(MuSgd, AllocatesNothingAfterTheFirstStep) {
  const std::vector<Parameter> parameters = Parameters();
  const std::int64_t count = parameters.back().offset + parameters.back().count;
  at::Tensor values = at::randn({count});
  const at::Tensor gradients = at::randn({count});
  const auto optimizer = MakeMuSgd(parameters, count, at::kCPU);
  const std::vector<GroupStep> steps(8, {.lr = 0.01, .momentum = 0.9});
  optimizer->Step({.values = values, .gradients = gradients}, steps);
  const CountingAllocator counting;
  optimizer->Step({.values = values, .gradients = gradients}, steps);
  EXPECT_THAT(counting.sizes, ::testing::IsEmpty());
}

}  // namespace
}  // namespace headroom
