// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/detect/head_view.h"
#include "headroom/geometry/box.h"

#include <cstdint>

namespace headroom {

// The box of one anchor, in network pixels: the cell's centre (index + 0.5) minus (l, t), plus
// (r, b), times the stride. Each distance is the expectation over softmax of reg_max logits (Li et
// al. 2020, "Generalized Focal Loss", arXiv:2006.04388), or with reg_max 1 the output itself.
// Only candidates are decoded: there is never a decoded map of all anchors.
// Throws InternalError for an anchor that is not there.
[[nodiscard]] Xyxy DecodeBox(const HeadView& head, std::uint32_t anchor);
[[nodiscard]] Xyxy DecodeBox(const DecodedView& decoded, std::uint32_t anchor);

// The class logits of one anchor.
[[nodiscard]] const float* ClassRow(const HeadView& head, std::uint32_t anchor);

}  // namespace headroom
