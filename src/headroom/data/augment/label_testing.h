// SPDX-License-Identifier: Apache-2.0
// For tests: a label table from a literal.
#pragma once

#include "headroom/data/label_table.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace headroom::testing {

struct LabelledBox {
  std::int32_t class_id = 0;
  Xywh box;
  std::vector<float> polygon;
};

// One inner vector an image.
inline LabelTable MakeLabelTable(const std::vector<std::vector<LabelledBox>>& images) {
  LabelTableBuilder builder;
  for (const std::vector<LabelledBox>& image : images) {
    LabelRows rows;
    rows.boxes_per_image.push_back(static_cast<std::uint32_t>(image.size()));
    for (const LabelledBox& label : image) {
      rows.class_ids.push_back(label.class_id);
      rows.boxes.push_back(label.box);
      rows.floats_per_polygon.push_back(static_cast<std::uint32_t>(label.polygon.size()));
      rows.points.insert(rows.points.end(), label.polygon.begin(), label.polygon.end());
    }
    builder.Append(std::move(rows));
  }
  return builder.Build();
}

}  // namespace headroom::testing
