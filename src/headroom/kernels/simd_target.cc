// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/simd_target.h"

#include <hwy/highway.h>
#include <hwy/targets.h>

#if HWY_ARCH_X86
#include <cpuid.h>
#endif

namespace headroom {
namespace {

// Highway's own list, read before any limit was set by this file: limits are process-wide.
std::int64_t CompiledAndPresent() {
  static const std::int64_t targets = [] {
    hwy::SetSupportedTargetsForTest(0);
    return (hwy::SupportedTargets() & (HWY_TARGETS)) | HWY_STATIC_TARGET;
  }();
  return targets;
}

SimdTarget Describe(std::int64_t id) { return {hwy::TargetName(id), id}; }

// LibTorch takes AMX for bf16 only where this is there too.
bool HasAvx512BFloat16() {
#if HWY_ARCH_X86
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & (1U << 5)) != 0;
#else
  return false;
#endif
}

}  // namespace

std::vector<SimdTarget> SimdTargets() {
  std::vector<SimdTarget> list;
  // Highway gives better targets lower bits.
  for (std::int64_t rest = CompiledAndPresent(); rest != 0; rest &= rest - 1) {
    list.push_back(Describe(rest & -rest));
  }
  return list;
}

SimdTarget ActiveSimdTarget() {
  CompiledAndPresent();
  // What this module was not compiled for runs as the plain code, the last of the list.
  const std::int64_t active = (hwy::SupportedTargets() & (HWY_TARGETS)) | HWY_STATIC_TARGET;
  return Describe(active & -active);
}

bool MultipliesBFloat16() {
  static const bool instructions = HasAvx512BFloat16();  // A virtual machine is slow to answer.
  return instructions && ActiveSimdTarget().name.starts_with("AVX3");
}

void UseSimdTarget(const SimdTarget& target) {
  CompiledAndPresent();
  hwy::SetSupportedTargetsForTest(target.id);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

void UseBestSimdTarget() {
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace headroom
