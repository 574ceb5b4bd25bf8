// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <cstdint>

namespace headroom {

inline constexpr std::int64_t kPixelChannels = 3;

// to(r, c) = pixels[3 r + c] / 255 for c < 3: image bytes, channels last, as the network's input. A
// true division: the same bits as dividing in LibTorch (then rounded, for bf16). `pixels` is dense
// and indexed by the same rows as `to`.
void NormalizePixels(const std::uint8_t* pixels, IndexRange rows, const RowTensor& to);

}  // namespace headroom
