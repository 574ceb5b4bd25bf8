// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace headroom {

// Raw fp32 maps of one image at one level, in channels-last memory: a row of floats for each of the
// height * width cells (y, then x). Not owned. Boxes and classes may lie in one map (as the head's
// concatenated output): then both strides are its row length and `classes` points behind the boxes.
struct HeadLevelView {
  const float* boxes = nullptr;    // 4 * reg_max logits (l, t, r, b) a cell, or l, t, r, b itself.
  const float* classes = nullptr;  // class_count logits a cell.
  std::size_t box_row_stride = 0;  // Floats from one cell to the next.
  std::size_t class_row_stride = 0;
  int height = 0;  // Cells.
  int width = 0;
  int stride = 0;  // Network pixels a cell.

  [[nodiscard]] std::size_t anchor_count() const {
    return static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  }
};

// What the head says of one image. Anchors are numbered through the levels: P3's cells, P4's, P5's.
struct HeadView {
  std::span<const HeadLevelView> levels;
  int class_count = 0;
  int reg_max = 16;  // 1: boxes are distances in cells, not distributions (YOLO26).

  [[nodiscard]] std::size_t anchor_count() const {
    std::size_t count = 0;
    for (const HeadLevelView& level : levels) count += level.anchor_count();
    return count;
  }
};

// Decoded predictions of one image, as exported models give them: channel c of anchor a is
// data[c * channel_stride + a * anchor_stride]; channels are x, y, w, h in network pixels, then a
// probability a class. Not owned.
struct DecodedView {
  const float* data = nullptr;
  std::size_t channel_stride = 0;
  std::size_t anchor_stride = 1;
  std::size_t anchor_count = 0;
  int class_count = 0;

  [[nodiscard]] float At(std::size_t channel, std::size_t anchor) const {
    return data[channel * channel_stride + anchor * anchor_stride];
  }
};

}  // namespace headroom
