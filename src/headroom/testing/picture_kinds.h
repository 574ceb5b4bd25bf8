// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace headroom::testing {

// A way to store a picture: "png rgb 16 interlaced". Those of OpenCV's encoders, and what they do
// not write, by hand.
struct PictureKind {
  std::string name;  // Begins with the format's suffix: "tif strips 16 bit".
  std::function<std::vector<std::uint8_t>(int height, int width)> make;
};

// Every format and depth that is decoded. Sides of at least 32 px; the content is smooth with some
// noise, the same for equal sizes.
[[nodiscard]] std::vector<PictureKind> PictureKinds();

}  // namespace headroom::testing
