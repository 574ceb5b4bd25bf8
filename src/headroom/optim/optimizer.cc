// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/optimizer.h"

#include "headroom/core/error.h"
#include "headroom/core/strings.h"
#include "headroom/memory/tag_scope.h"
#include "headroom/optim/aten_optimizer.h"
#include "headroom/optim/cpu_optimizer.h"
#include "headroom/optim/musgd.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <array>
#include <utility>

namespace headroom {
namespace {

constexpr std::array<std::string_view, 8> kNames = {"SGD",   "Adam",  "AdamW",   "Adamax",
                                                    "NAdam", "RAdam", "RMSProp", "MuSGD"};

// As LibTorch's state dicts name them; MuSGD's as the reference's do.
std::vector<std::string_view> StateNames(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::kSgd:
      return {"momentum_buffer"};
    case OptimizerKind::kMuSgd:
      return {"momentum_buffer", "momentum_buffer_SGD"};
    case OptimizerKind::kRmsProp:
      return {"momentum_buffer", "square_avg"};
    case OptimizerKind::kAdamax:
      return {"exp_avg", "exp_inf"};
    default:
      return {"exp_avg", "exp_avg_sq"};
  }
}

}  // namespace

OptimizerKind ParseOptimizer(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (ToLower(kNames[i]) == ToLower(name)) return static_cast<OptimizerKind>(i);
  }
  throw ConfigError(
      fmt::format("optimizer={} is not known; it is one of auto, SGD, Adam, AdamW, Adamax, NAdam, "
                  "RAdam, RMSProp, MuSGD",
                  name));
}

std::string_view Name(OptimizerKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

Optimizer::Optimizer(OptimizerKind kind, std::span<const Parameter> parameters,
                     ParameterGroups groups)
    : parameters_(parameters), groups_(std::move(groups)), kind_(kind) {}

void Optimizer::AddState(std::string name, std::int64_t count, at::Device device) {
  const TagScope tag(MemoryTag::kOptimizer);
  states_.push_back(
      {std::move(name), at::zeros({count}, at::TensorOptions(at::kFloat).device(device))});
}

void Optimizer::Step(const StepTensors& tensors, std::span<const GroupStep> steps) {
  const at::NoGradGuard no_grad;
  const TagScope tag(MemoryTag::kOptimizer);
  ++step_count_;
  Run(tensors, steps);
}

void Optimizer::AddStates(std::int64_t count, at::Device device) {
  for (const std::string_view name : StateNames(kind_)) AddState(std::string(name), count, device);
}

std::unique_ptr<Optimizer> MakeOptimizer(OptimizerKind kind, std::span<const Parameter> parameters,
                                         std::int64_t count, at::Device device) {
  if (kind == OptimizerKind::kMuSgd) return MakeMuSgd(parameters, count, device);
  if (device.is_cpu()) return MakeCpuOptimizer(kind, parameters, count);
  return MakeAtenOptimizer(kind, parameters, count, device);
}

MemoryNeed EstimateOptimizerMemory(OptimizerKind kind, std::span<const Parameter> parameters,
                                   std::int64_t count) {
  const std::uint64_t states = StateNames(kind).size();
  MemoryNeed need(MemoryTag::kOptimizer, Bytes::Of(static_cast<std::uint64_t>(count), 4 * states));
  if (kind == OptimizerKind::kMuSgd) {
    const std::int64_t scratch = NewtonSchulzScratch::Elements(MuonMatrices(parameters));
    need.Add(MemoryTag::kOptimizer, Bytes::Of(static_cast<std::uint64_t>(scratch), 4));
  }
  return need;
}

}  // namespace headroom
