// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/box.h"

#include <cstdint>

namespace headroom {

// What the network says is there. Lists of detections are in confidence order, best first.
struct Detection {
  Xyxy box;
  float confidence = 0;
  std::int32_t class_id = 0;
  friend bool operator==(const Detection&, const Detection&) = default;
};

// What the label file says is there, in the same pixels as the detections it is compared with.
struct TrueBox {
  Xyxy box;
  std::int32_t class_id = 0;
  friend bool operator==(const TrueBox&, const TrueBox&) = default;
};

}  // namespace headroom
