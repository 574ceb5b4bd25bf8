// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace headroom {

// A box by its corners; pixels unless a name says otherwise.
struct Xyxy {
  float x1 = 0;
  float y1 = 0;
  float x2 = 0;
  float y2 = 0;

  [[nodiscard]] float width() const { return x2 - x1; }
  [[nodiscard]] float height() const { return y2 - y1; }
  [[nodiscard]] float area() const { return width() * height(); }
  friend bool operator==(const Xyxy&, const Xyxy&) = default;
};

// A box by its centre and size; label files hold it normalised to the image's width and height.
struct Xywh {
  float x = 0;
  float y = 0;
  float w = 0;
  float h = 0;
  friend bool operator==(const Xywh&, const Xywh&) = default;
};

[[nodiscard]] inline Xyxy ToXyxy(const Xywh& b) {
  return {b.x - b.w / 2, b.y - b.h / 2, b.x + b.w / 2, b.y + b.h / 2};
}
[[nodiscard]] inline Xywh ToXywh(const Xyxy& b) {
  return {(b.x1 + b.x2) / 2, (b.y1 + b.y2) / 2, b.x2 - b.x1, b.y2 - b.y1};
}

}  // namespace headroom
