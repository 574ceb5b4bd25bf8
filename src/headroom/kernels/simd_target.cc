// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/simd_target.h"

#include <hwy/highway.h>
#include <hwy/targets.h>

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
