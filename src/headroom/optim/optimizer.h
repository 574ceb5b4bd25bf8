// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/parameter.h"
#include "headroom/memory/memory_need.h"
#include "headroom/optim/parameter_groups.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

enum class OptimizerKind : std::uint8_t {
  kSgd,
  kAdam,
  kAdamW,
  kAdamax,
  kNAdam,
  kRAdam,
  kRmsProp,
  kMuSgd
};

// "SGD", "AdamW", ... as the option spells them; any case. Throws ConfigError.
[[nodiscard]] OptimizerKind ParseOptimizer(std::string_view name);
[[nodiscard]] std::string_view Name(OptimizerKind kind);

// What the schedule says of one group at one step.
struct GroupStep {
  double lr = 0;
  double momentum = 0;  // Momentum of SGD and RMSProp, beta1 of the Adam family.
  double weight_decay = 0;
};

// Flat arrays that a step reads and writes; laid out as ParameterStore's.
struct StepTensors {
  at::Tensor values;
  at::Tensor gradients;
  double gradient_scale = 1;  // Clipping.
  at::Tensor ema;             // Undefined: none. Else averaged in the same pass.
  double ema_decay = 0;
  at::Tensor compute;  // Undefined: none. Else the bf16 copy, written in the same pass.
};

// One optimizer over flat storage, equal to LibTorch's of the same name (MuSGD: to the
// reference's). The state exists from construction on; on a CPU Step allocates nothing. Parameters
// that are not trainable are not touched, nor is their EMA. Not thread-safe.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  void Step(const StepTensors& tensors, std::span<const GroupStep> steps);

  // A stretch of flat storage within one parameter.
  struct Piece {
    std::int64_t offset;
    std::int64_t count;
    std::size_t group;
    std::size_t parameter;
  };

  [[nodiscard]] OptimizerKind kind() const { return kind_; }
  [[nodiscard]] const ParameterGroups& groups() const { return groups_; }
  // Flat state arrays with the names of LibTorch's state dict: "exp_avg", "momentum_buffer", ...
  struct State {
    std::string name;
    at::Tensor values;
  };
  [[nodiscard]] std::span<State> states() { return states_; }
  // Steps taken; part of a checkpoint.
  [[nodiscard]] std::int64_t step_count() const { return step_count_; }
  void set_step_count(std::int64_t count) { step_count_ = count; }
  // Other scalars of a checkpoint (NAdam's product of momenta).
  double momentum_product = 1;

 protected:
  Optimizer(OptimizerKind kind, std::span<const Parameter> parameters, ParameterGroups groups);
  void AddState(std::string name, std::int64_t count, at::Device device);
  // The states of the elementwise kinds.
  void AddStates(std::int64_t count, at::Device device);
  virtual void Run(const StepTensors& tensors, std::span<const GroupStep> steps) = 0;

  std::span<const Parameter> parameters_;
  ParameterGroups groups_;
  std::vector<State> states_;
  std::int64_t step_count_ = 0;

 private:
  const OptimizerKind kind_;
};

// `parameters` must outlive the optimizer; `count` is the length of the flat arrays.
[[nodiscard]] std::unique_ptr<Optimizer> MakeOptimizer(OptimizerKind kind,
                                                       std::span<const Parameter> parameters,
                                                       std::int64_t count, at::Device device);
// States, and for MuSGD the scratch of its matrices.
[[nodiscard]] MemoryNeed EstimateOptimizerMemory(OptimizerKind kind,
                                                 std::span<const Parameter> parameters,
                                                 std::int64_t count);

}  // namespace headroom
