// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/convert.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/convert.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/vector_access-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

template <class From, class To>
void Convert(const From* from, To* to, std::size_t count) {
  ForEachVector(count, [=](std::size_t i, auto lanes)
                           HWY_ATTR { StoreFloats(LoadFloats(from + i, lanes), to + i, lanes); });
}

void ToBFloat16Kernel(const float* from, BFloat16* to, std::int64_t count) {
  Convert(from, to, static_cast<std::size_t>(count));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {

HWY_EXPORT(ToBFloat16Kernel);

void ConvertToBFloat16(const float* from, BFloat16* to, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(ToBFloat16Kernel)(from, to, count);
}

}  // namespace headroom
#endif
