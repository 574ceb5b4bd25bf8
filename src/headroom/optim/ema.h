// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/parameter_store.h"
#include "headroom/memory/memory_need.h"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace headroom {

// Exponential moving average of parameters and running statistics, the weights that are validated
// and saved. decay = 0.9999 * (1 - exp(-updates / 2000)).
class Ema {
 public:
  explicit Ema(const ParameterStore& store);

  [[nodiscard]] static double Decay(std::int64_t updates);
  // Counts an update and returns its decay; the optimizer's pass averages `values` with it.
  double Begin() { return Decay(++updates_); }
  // Averages the running statistics, and with `parameters` the parameters (a step that was not
  // fused).
  void Average(const ParameterStore& store, double decay, bool parameters);

  [[nodiscard]] std::int64_t updates() const { return updates_; }
  void set_updates(std::int64_t updates) { updates_ = updates; }
  at::Tensor values;
  at::Tensor running;

  [[nodiscard]] static MemoryNeed EstimateMemory(const ParameterStore& store);

 private:
  std::int64_t updates_ = 0;
};

}  // namespace headroom
