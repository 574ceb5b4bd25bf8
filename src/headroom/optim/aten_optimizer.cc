// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/aten_optimizer.h"

#include "headroom/optim/elementwise_rules.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

// One parameter's stretch of every array.
struct Stretch {
  at::Tensor p, g, first, second;
};

class AtenOptimizer : public Optimizer {
 public:
  AtenOptimizer(OptimizerKind kind, std::span<const Parameter> parameters, std::int64_t count,
                at::Device device)
      : Optimizer(kind, parameters, ParameterGroups::Three(parameters)) {
    AddStates(count, device);
  }

 protected:
  void Run(const StepTensors& tensors, std::span<const GroupStep> steps) override {
    const double previous_product = momentum_product;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const Parameter& parameter = parameters_[i];
      if (!parameter.trainable) continue;
      const GroupStep& step = steps[groups().group_of[i]];
      const auto cut = [&](const at::Tensor& flat) {
        return flat.narrow(0, parameter.offset, parameter.count);
      };
      Stretch s{cut(tensors.values),
                cut(tensors.gradients) * tensors.gradient_scale,
                cut(states_[0].values),
                {}};
      if (states_.size() > 1) s.second = cut(states_[1].values);
      if (kind() == OptimizerKind::kAdamW) {
        s.p.mul_(1 - step.lr * step.weight_decay);
      } else if (step.weight_decay != 0) {
        s.g = s.g + step.weight_decay * s.p;
      }
      momentum_product = previous_product;  // The same for every parameter of a step.
      Update(s, step);
      FollowUp(tensors, parameter.offset, parameter.count);
    }
  }

 private:
  [[nodiscard]] double Correction(double beta) const {
    return 1 - std::pow(beta, static_cast<double>(step_count_));
  }

  void Update(Stretch& s, const GroupStep& step) {
    switch (kind()) {
      case OptimizerKind::kSgd:
        UpdateSgd(s, step);
        break;
      case OptimizerKind::kRmsProp:
        UpdateRmsProp(s, step);
        break;
      case OptimizerKind::kAdamax:
        UpdateAdamax(s, step);
        break;
      default:
        UpdateAdamFamily(s, step);
        break;
    }
  }

  static void UpdateSgd(Stretch& s, const GroupStep& step) {
    s.first.mul_(step.momentum).add_(s.g);
    s.p.sub_((s.g + step.momentum * s.first) * step.lr);  // Nesterov.
  }

  static void UpdateRmsProp(Stretch& s, const GroupStep& step) {
    s.second.mul_(kRmsAlpha).addcmul_(s.g, s.g, 1 - kRmsAlpha);
    s.first.mul_(step.momentum).addcdiv_(s.g, s.second.sqrt().add_(kEpsilon));
    s.p.sub_(s.first * step.lr);
  }

  // Kingma and Ba 2014, alg. 2.
  void UpdateAdamax(Stretch& s, const GroupStep& step) const {
    s.first.mul_(step.momentum).add_(s.g, 1 - step.momentum);
    s.second.copy_(at::maximum(s.second * kBeta2, s.g.abs().add_(kEpsilon)));
    s.p.addcdiv_(s.first, s.second, -step.lr / Correction(step.momentum));
  }

  void UpdateAdamFamily(Stretch& s, const GroupStep& step) {
    s.first.mul_(step.momentum).add_(s.g, 1 - step.momentum);
    s.second.mul_(kBeta2).addcmul_(s.g, s.g, 1 - kBeta2);
    if (kind() == OptimizerKind::kNAdam) {
      ApplyNAdam(s, step);
    } else if (kind() == OptimizerKind::kRAdam) {
      ApplyRAdam(s, step);
    } else {
      const at::Tensor denominator =
          s.second.sqrt().div_(std::sqrt(Correction(kBeta2))).add_(kEpsilon);
      s.p.addcdiv_(s.first, denominator, -step.lr / Correction(step.momentum));
    }
  }

  // Dozat 2016, with PyTorch's momentum decay.
  void ApplyNAdam(Stretch& s, const GroupStep& step) {
    const auto t = static_cast<double>(step_count_);
    const auto mu = [&](double at) {
      return step.momentum * (1 - 0.5 * std::pow(0.96, at * kNAdamDecay));
    };
    momentum_product *= mu(t);
    const at::Tensor denominator = (s.second / Correction(kBeta2)).sqrt_().add_(kEpsilon);
    s.p.addcdiv_(s.g, denominator, -step.lr * (1 - mu(t)) / (1 - momentum_product));
    s.p.addcdiv_(s.first, denominator, -step.lr * mu(t + 1) / (1 - momentum_product * mu(t + 1)));
  }

  // Liu et al. 2019, arXiv:1908.03265, alg. 2.
  void ApplyRAdam(Stretch& s, const GroupStep& step) const {
    const auto t = static_cast<double>(step_count_);
    const double correction2 = Correction(kBeta2);
    const double rho_inf = 2 / (1 - kBeta2) - 1;
    const double rho = rho_inf - 2 * t * std::pow(kBeta2, t) / correction2;
    const at::Tensor corrected = s.first / Correction(step.momentum);
    if (rho <= 5) {
      s.p.sub_(corrected * step.lr);
      return;
    }
    const double rectified =
        std::sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho));
    s.p.addcdiv_(corrected, s.second.sqrt().add_(kEpsilon),
                 -step.lr * rectified * std::sqrt(correction2));
  }
};

}  // namespace

void FollowUp(const StepTensors& tensors, std::int64_t offset, std::int64_t count) {
  const at::Tensor p = tensors.values.narrow(0, offset, count);
  if (tensors.ema.defined())
    tensors.ema.narrow(0, offset, count).mul_(tensors.ema_decay).add_(p, 1 - tensors.ema_decay);
  if (tensors.compute.defined()) tensors.compute.narrow(0, offset, count).copy_(p);
}

std::unique_ptr<Optimizer> MakeAtenOptimizer(OptimizerKind kind,
                                             std::span<const Parameter> parameters,
                                             std::int64_t count, at::Device device) {
  return std::make_unique<AtenOptimizer>(kind, parameters, count, device);
}

}  // namespace headroom
