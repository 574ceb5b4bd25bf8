// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

// An instruction set that the kernels were compiled for and that this processor has.
struct SimdTarget {
  std::string name;     // "AVX3" (AVX-512), "AVX2", "SSE4"; "SCALAR" or "EMU128": plain code
  std::int64_t id = 0;  // Highway's bit
};

// Best first. Never empty. Not affected by UseSimdTarget.
[[nodiscard]] std::vector<SimdTarget> SimdTargets();

// The one that the next kernel call uses.
[[nodiscard]] SimdTarget ActiveSimdTarget();

// For tests and benchmarks: from now on every kernel of the process uses this target. Not to be
// called while a kernel runs.
void UseSimdTarget(const SimdTarget& target);
// Back to the best one.
void UseBestSimdTarget();

}  // namespace headroom
