// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/image/image.h"

#include <string>
#include <vector>

namespace headroom {

// What a model that is ready to run says of itself, whatever its format.
struct DetectorFacts {
  int stride = 32;
  int batch = 1;
  ImageSize image_size{640, 640};
  bool fixed_size = true;          // Batch and image size are those above and no others.
  std::vector<std::string> names;  // By class.
  bool end_to_end = false;         // Rows that need no suppression.
};

}  // namespace headroom
