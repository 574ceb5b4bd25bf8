// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/ema.h"

#include "headroom/kernels/optimizer_step.h"
#include "headroom/memory/tag_scope.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>

namespace headroom {

Ema::Ema(const ParameterStore& store) {
  const TagScope tag(MemoryTag::kEma);
  values = store.values.clone();
  running = store.running.clone();
}

double Ema::Decay(std::int64_t updates) {
  return 0.9999 * (1 - std::exp(-static_cast<double>(updates) / 2000));
}

void Ema::Average(const ParameterStore& store, double decay, bool parameters) {
  const auto average = [decay](at::Tensor& mean, const at::Tensor& value) {
    if (mean.is_cpu()) {
      const float* const from = value.const_data_ptr<float>();
      float* const to = mean.mutable_data_ptr<float>();
      at::parallel_for(0, mean.numel(), 1 << 15, [&](std::int64_t begin, std::int64_t end) {
        UpdateEma(decay, from + begin, to + begin, end - begin);
      });
    } else {
      mean.mul_(decay).add_(value, 1 - decay);
    }
  };
  if (parameters) average(values, store.values);
  average(running, store.running);
}

MemoryNeed Ema::EstimateMemory(const ParameterStore& store) {
  return {MemoryTag::kEma,
          Bytes::Of(static_cast<std::uint64_t>(store.value_count() + store.statistic_count()), 4)};
}

}  // namespace headroom
