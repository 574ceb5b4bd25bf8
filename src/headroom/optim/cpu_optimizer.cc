// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/cpu_optimizer.h"

#include "headroom/optim/elementwise_rules.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

namespace headroom {
namespace {

constexpr std::int64_t kPieceElements = 1 << 15;

class CpuOptimizer : public Optimizer {
 public:
  CpuOptimizer(OptimizerKind kind, std::span<const Parameter> parameters, std::int64_t count)
      : Optimizer(kind, parameters, ParameterGroups::Three(parameters)) {
    AddStates(count, at::kCPU);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (parameters[i].trainable) AppendPieces(parameters[i], groups().group_of[i], i, pieces_);
    }
  }

 protected:
  void Run(const StepTensors& tensors, std::span<const GroupStep> steps) override {
    if (kind() == OptimizerKind::kNAdam) {
      momentum_product *= NAdamMomentum(steps.front().momentum, step_count_);
    }
    const auto pieces = static_cast<std::int64_t>(pieces_.size());
    at::parallel_for(0, pieces, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        RunPiece(pieces_[static_cast<std::size_t>(i)], tensors, steps);
      }
    });
  }

 private:
  void RunPiece(const Piece& at, const StepTensors& tensors, std::span<const GroupStep> steps) {
    const GroupStep& step = steps[at.group];
    const ParameterPiece piece = PieceOf(tensors, at.offset, at.count);
    float* const first = states_[0].values.data_ptr<float>() + at.offset;
    float* const second =
        states_.size() > 1 ? states_[1].values.data_ptr<float>() + at.offset : nullptr;
    const SgdOptions sgd{
        .learning_rate = step.lr, .momentum = step.momentum, .weight_decay = step.weight_decay};
    AdamOptions adam{.learning_rate = step.lr,
                     .beta1 = step.momentum,
                     .weight_decay = step.weight_decay,
                     .decay = WeightDecay::kInGradient,
                     .step = step_count_};
    switch (kind()) {
      case OptimizerKind::kSgd:
        RunSgdStep(sgd, piece, first);
        break;
      case OptimizerKind::kRmsProp:
        RunRmsPropStep(sgd, piece, first, second);
        break;
      case OptimizerKind::kAdamax:
        RunAdamaxStep(adam, piece, first, second);
        break;
      case OptimizerKind::kNAdam:
        RunNAdamStep(adam, momentum_product, piece, first, second);
        break;
      case OptimizerKind::kRAdam:
        RunRAdamStep(adam, piece, first, second);
        break;
      case OptimizerKind::kAdamW:
        adam.decay = WeightDecay::kDecoupled;
        [[fallthrough]];
      default:
        RunAdamStep(adam, piece, first, second);
        break;
    }
  }

  std::vector<Piece> pieces_;
};

}  // namespace

ParameterPiece PieceOf(const StepTensors& tensors, std::int64_t offset, std::int64_t count) {
  ParameterPiece piece{.count = count,
                       .parameters = tensors.values.data_ptr<float>() + offset,
                       .gradients = tensors.gradients.const_data_ptr<float>() + offset,
                       .gradient_scale = tensors.gradient_scale};
  if (tensors.ema.defined()) {
    piece.ema = tensors.ema.data_ptr<float>() + offset;
    piece.ema_decay = tensors.ema_decay;
  }
  if (tensors.compute.defined()) {
    piece.bf16_copy = static_cast<BFloat16*>(tensors.compute.data_ptr()) + offset;
  }
  return piece;
}

void AppendPieces(const Parameter& parameter, std::size_t group, std::size_t index,
                  std::vector<Optimizer::Piece>& pieces) {
  for (std::int64_t at = 0; at < parameter.count; at += kPieceElements) {
    pieces.push_back(
        {parameter.offset + at, std::min(kPieceElements, parameter.count - at), group, index});
  }
}

std::unique_ptr<Optimizer> MakeCpuOptimizer(OptimizerKind kind,
                                            std::span<const Parameter> parameters,
                                            std::int64_t count) {
  return std::make_unique<CpuOptimizer>(kind, parameters, count);
}

}  // namespace headroom
