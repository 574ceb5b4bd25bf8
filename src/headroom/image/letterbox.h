// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/image/image.h"

#include <cstdint>

namespace headroom {

inline constexpr std::uint8_t kPadValue = 114;

enum class Enlarge : std::uint8_t { kNo, kYes };
// Pad to the whole canvas, or only to the next multiple of the stride ("minimum rectangle").
enum class PadTo : std::uint8_t { kCanvas, kStride };

struct LetterboxOptions {
  ImageSize canvas{640, 640};
  Enlarge enlarge = Enlarge::kYes;
  PadTo pad_to = PadTo::kCanvas;
  int stride = 32;
};

// Where an image lies on its canvas: network = source * scale + pad.
struct LetterboxLayout {
  ImageSize canvas;   // Of the result.
  ImageSize resized;  // Of the image on it.
  int top = 0;
  int left = 0;
  double gain = 1;  // The one ratio asked for (before rounding to pixels).
};

// One scale for both sides, the smaller ratio of canvas to source; what is left is split in two,
// the odd pixel below or to the right. Sides of the resized image are at least 1 px.
[[nodiscard]] LetterboxLayout PlanLetterbox(ImageSize source, const LetterboxOptions& options);

// Resizes straight into the canvas (layout.canvas, 3 channels) and fills the border with 114.
void Letterbox(const ImageView& source, const LetterboxLayout& layout,
               const MutableImageView& canvas);

}  // namespace headroom
