// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/true_boxes.h"

namespace headroom {

void AppendTrueBoxes(const Sample& sample, int width, int height, std::vector<TrueBox>* boxes) {
  const auto w = static_cast<float>(width);
  const auto h = static_cast<float>(height);
  for (const LabelBox& label : sample.labels) {
    const Xyxy box = ToXyxy(label.box);
    boxes->push_back({{box.x1 * w, box.y1 * h, box.x2 * w, box.y2 * h}, label.class_id});
  }
}

}  // namespace headroom
