// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

enum class ParameterKind : std::uint8_t {
  kWeight,      // Convolution weights: decayed.
  kNormWeight,  // Batch-norm gamma: not decayed.
  kBias,        // Every bias, batch-norm beta included: not decayed.
};

// One trainable tensor in flat storage: all parameters of a model lie in one fp32 array, and so do
// their gradients, each optimizer state and the EMA, at the same offsets.
struct Parameter {
  std::string name;                 // Checkpoint key: "model.0.conv.weight".
  std::vector<std::int64_t> shape;  // Logical: [out, in / groups, kh, kw] or [channels].
  std::int64_t offset = 0;  // First element; a multiple of 16. Gaps hold zeros and stay zero.
  std::int64_t count = 0;   // Elements. 4-D weights lie in channels-last order [out, kh, kw, in].
  ParameterKind kind = ParameterKind::kWeight;
  bool trainable = true;      // False for frozen layers.
  bool class_branch = false;  // Detect's cv3 and one2one_cv3: MuSGD trains them at 3 x lr.
};

}  // namespace headroom
