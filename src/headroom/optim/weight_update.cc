// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/weight_update.h"

#include "headroom/optim/gradient_clip.h"

#include <ATen/ATen.h>

namespace headroom {
namespace {

constexpr double kClipNorm = 10;

// Frozen parameters must not count in the clipped norm.
void ClearFrozen(const ParameterStore& store, at::Tensor& gradients) {
  for (const Parameter& parameter : store.parameters()) {
    if (!parameter.trainable) gradients.narrow(0, parameter.offset, parameter.count).zero_();
  }
}

}  // namespace

void UpdateWeights(ParameterStore& store, Optimizer& optimizer, Ema& ema, at::Tensor& gradients,
                   std::span<const GroupStep> steps) {
  ClearFrozen(store, gradients);
  const double scale = ClipFactor(GradientNorm(gradients), kClipNorm);
  const double decay = ema.Begin();
  optimizer.Step({.values = store.values,
                  .gradients = gradients,
                  .gradient_scale = scale,
                  .ema = ema.values,
                  .ema_decay = decay,
                  .compute = store.compute},
                 steps);
  ema.Average(store, decay, false);
  gradients.zero_();
}

}  // namespace headroom
