// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"

#include <cstdint>

namespace headroom {

// How elements are stored.
enum class Element : std::uint8_t { kUint8, kFloat32, kBFloat16 };

[[nodiscard]] constexpr std::uint64_t SizeOf(Element element) {
  switch (element) {
    case Element::kUint8:
      return 1;
    case Element::kBFloat16:
      return 2;
    case Element::kFloat32:
      return 4;
  }
  return 0;
}

// Height and width of a feature map.
struct Extent {
  std::int64_t height = 0;
  std::int64_t width = 0;
  [[nodiscard]] std::int64_t area() const { return height * width; }
  friend bool operator==(const Extent&, const Extent&) = default;
};

// Logical N, C, H, W; memory N, H, W, C: one layout everywhere.
struct MapShape {
  std::int64_t images = 0;
  std::int64_t channels = 0;
  Extent extent;

  [[nodiscard]] std::int64_t rows() const { return images * extent.area(); }
  [[nodiscard]] std::int64_t elements() const { return rows() * channels; }
  friend bool operator==(const MapShape&, const MapShape&) = default;
};

}  // namespace headroom
