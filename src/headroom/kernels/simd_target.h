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

// Whether bf16 is multiplied natively: the processor has AVX512-BF16, and the active target is an
// AVX-512 one, which needs the system's consent too. On other AVX-512 processors LibTorch makes do
// with fp32 instructions, many times slower.
[[nodiscard]] bool MultipliesBFloat16();

// For tests and benchmarks: from now on every kernel of the process uses this target. Not to be
// called while a kernel runs.
void UseSimdTarget(const SimdTarget& target);
// Back to the best one.
void UseBestSimdTarget();

}  // namespace headroom
