// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/rng.h"
#include "headroom/detect/head_view.h"

#include <array>
#include <vector>

namespace headroom {

// Random maps of three levels (8 x 10, 4 x 5 and 2 x 3 cells, times `size`), each a row of boxes
// then classes.
class RandomHead {
 public:
  // Class logits are uniform in [low, high).
  RandomHead(int class_count, int reg_max, std::uint64_t seed, double low = -6, double high = 2,
             int size = 1) {
    Rng rng(seed);
    const std::size_t boxes = 4 * static_cast<std::size_t>(reg_max);
    const std::size_t row = boxes + static_cast<std::size_t>(class_count);
    const std::array<std::array<int, 3>, 3> shapes = {{{8, 10, 8}, {4, 5, 16}, {2, 3, 32}}};
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const int height = shapes[i][0] * size;
      const int width = shapes[i][1] * size;
      const int stride = shapes[i][2];
      std::vector<float>& map = maps_[i];
      map.resize(static_cast<std::size_t>(height * width) * row);
      for (std::size_t j = 0; j < map.size(); ++j) {
        const bool is_box = j % row < boxes;
        map[j] = static_cast<float>(is_box ? rng.Uniform(-1, 3) : rng.Uniform(low, high));
      }
      levels_[i] = {map.data(), map.data() + boxes, row, row, height, width, stride};
    }
    view_ = {levels_, class_count, reg_max};
  }
  RandomHead(const RandomHead&) = delete;
  RandomHead& operator=(const RandomHead&) = delete;

  [[nodiscard]] const HeadView& view() const { return view_; }
  // For tests that set values.
  [[nodiscard]] float* row(std::size_t level, std::size_t cell) {
    return maps_[level].data() + cell * levels_[level].box_row_stride;
  }

 private:
  std::array<std::vector<float>, 3> maps_;
  std::array<HeadLevelView, 3> levels_;
  HeadView view_;
};

}  // namespace headroom
