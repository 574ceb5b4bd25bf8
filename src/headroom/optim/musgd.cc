// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/musgd.h"

#include "headroom/optim/aten_optimizer.h"
#include "headroom/optim/musgd_cpu.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

class AtenMuSgd : public Optimizer {
 public:
  AtenMuSgd(std::span<const Parameter> parameters, std::int64_t count, at::Device device)
      : Optimizer(OptimizerKind::kMuSgd, parameters, ParameterGroups::Eight(parameters)) {
    AddStates(count, device);
  }

 protected:
  void Run(const StepTensors& tensors, std::span<const GroupStep> steps) override {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const Parameter& parameter = parameters_[i];
      if (!parameter.trainable) continue;
      const std::size_t group = groups().group_of[i];
      const GroupStep& step = steps[group];
      const auto cut = [&](const at::Tensor& flat) {
        return flat.narrow(0, parameter.offset, parameter.count);
      };
      at::Tensor p = cut(tensors.values);
      const at::Tensor g = cut(tensors.gradients) * tensors.gradient_scale;
      const bool muon = groups().groups[group].is_muon;
      if (muon) StepMuon(parameter, step, g, cut(states_[0].values), p);
      // Plain groups keep their momentum where the reference does: in momentum_buffer.
      at::Tensor velocity = cut(states_[muon ? 1 : 0].values);
      const at::Tensor decayed = step.weight_decay != 0 ? g + step.weight_decay * p : g;
      velocity.mul_(step.momentum).add_(decayed);
      p.sub_((decayed + step.momentum * velocity) * step.lr);
      FollowUp(tensors, parameter.offset, parameter.count);
    }
  }

 private:
  static void StepMuon(const Parameter& parameter, const GroupStep& step, const at::Tensor& g,
                       at::Tensor momentum, at::Tensor& p) {
    momentum.mul_(step.momentum).add_(g, 1 - step.momentum);
    const at::Tensor update = momentum * step.momentum + g * (1 - step.momentum);
    const at::Tensor rows = update.view({parameter.shape[0], -1});
    const at::Tensor orthogonal = NewtonSchulz(rows).to(at::kFloat).reshape({-1});
    p.sub_(orthogonal * (step.lr * MuonFactor(parameter)));
  }
};

}  // namespace

double MuonFactor(const Parameter& parameter) {
  constexpr double kMuonShare = 0.2;
  const auto height = static_cast<double>(parameter.shape[parameter.shape.size() - 2]);
  const auto width = static_cast<double>(parameter.shape[parameter.shape.size() - 1]);
  return kMuonShare * std::sqrt(std::max(1.0, height / width));
}

std::vector<MatrixSize> MuonMatrices(std::span<const Parameter> parameters) {
  const ParameterGroups groups = ParameterGroups::Eight(parameters);
  std::vector<MatrixSize> sizes;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].trainable || !groups.groups[groups.group_of[i]].is_muon) continue;
    const std::int64_t rows = parameters[i].shape[0];
    sizes.push_back({rows, parameters[i].count / rows});
  }
  return sizes;
}

std::unique_ptr<Optimizer> MakeAtenMuSgd(std::span<const Parameter> parameters, std::int64_t count,
                                         at::Device device) {
  return std::make_unique<AtenMuSgd>(parameters, count, device);
}

std::unique_ptr<Optimizer> MakeMuSgd(std::span<const Parameter> parameters, std::int64_t count,
                                     at::Device device) {
  if (device.is_cpu()) return MakeCpuMuSgd(parameters, count);
  return MakeAtenMuSgd(parameters, count, device);
}

}  // namespace headroom
