// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/decode_predictions.h"

#include "headroom/core/check.h"
#include "headroom/core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

// Sum of i * softmax(logits)[i].
float Expectation(const float* logits, int count) {
  const float largest = *std::max_element(logits, logits + count);
  float sum = 0;
  float weighted = 0;
  for (int i = 0; i < count; ++i) {
    const float weight = std::exp(logits[i] - largest);
    sum += weight;
    weighted += weight * static_cast<float>(i);
  }
  return weighted / sum;
}

float Distance(const float* row, int side, int reg_max) {
  return reg_max == 1 ? row[side] : Expectation(row + side * reg_max, reg_max);
}

struct Place {
  const HeadLevelView& level;
  std::size_t cell;
};

Place Locate(const HeadView& head, std::uint32_t anchor) {
  std::size_t cell = anchor;
  for (const HeadLevelView& level : head.levels) {
    if (cell < level.anchor_count()) return {level, cell};
    cell -= level.anchor_count();
  }
  throw InternalError(fmt::format("anchor {} of {}", anchor, head.anchor_count()));
}

}  // namespace

Xyxy DecodeBox(const HeadView& head, std::uint32_t anchor) {
  const auto [level, cell] = Locate(head, anchor);
  const auto width = static_cast<std::size_t>(level.width);
  const float x = static_cast<float>(cell % width) + 0.5F;
  const float y = static_cast<float>(cell / width) + 0.5F;
  const auto stride = static_cast<float>(level.stride);
  const float* row = level.boxes + cell * level.box_row_stride;
  return {
      (x - Distance(row, 0, head.reg_max)) * stride, (y - Distance(row, 1, head.reg_max)) * stride,
      (x + Distance(row, 2, head.reg_max)) * stride, (y + Distance(row, 3, head.reg_max)) * stride};
}

const float* ClassRow(const HeadView& head, std::uint32_t anchor) {
  const auto [level, cell] = Locate(head, anchor);
  return level.classes + cell * level.class_row_stride;
}

Xyxy DecodeBox(const DecodedView& decoded, std::uint32_t anchor) {
  HEADROOM_CHECK(anchor < decoded.anchor_count,
                 fmt::format("anchor {} of {}", anchor, decoded.anchor_count));
  return ToXyxy(
      {decoded.At(0, anchor), decoded.At(1, anchor), decoded.At(2, anchor), decoded.At(3, anchor)});
}

}  // namespace headroom
