// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/box.h"

#include <cstdint>
#include <string>

namespace headroom {

// A box on a picture, in the picture's pixels; the class gives the colour.
struct DrawnBox {
  Xyxy box;
  std::int32_t class_id = 0;
  std::string label;  // "RBC 0.87"; empty: none.
};

}  // namespace headroom
