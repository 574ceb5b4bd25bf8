// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/rng.h"
#include "headroom/data/augment/augment_options.h"

#include <cstdint>

namespace headroom {

// One image's colour jitter, in OpenCV's 8-bit HSV (hue 0-179). The numbers are multiples of 1/4096
// (hue: 1/1024), so that integers compute what any look-up table would.
struct HsvJitter {
  float hue_shift = 0;        // In 8-bit hue steps, [-180, 180].
  float saturation_gain = 1;  // [0, 2].
  float value_gain = 1;

  [[nodiscard]] bool IsIdentity() const {
    return hue_shift == 0 && saturation_gain == 1 && value_gain == 1;
  }
};

// Gains 1 + uniform(-1, 1) * hsv_x for saturation and value; the hue is moved by
// uniform(-1, 1) * hsv_h * 180 (8.4.190). With all three options 0: the identity.
[[nodiscard]] HsvJitter DrawHsvJitter(Rng rng, const AugmentOptions& options);

// RGB pixels in place, vectorised (target chosen at run time, equal bytes on all): to HSV as
// cv::cvtColor does it, hue shifted modulo 180, the others scaled, clipped and truncated, and back.
// Within 1 of cv::cvtColor + look-up tables + cv::cvtColor.
void JitterHsv(const HsvJitter& jitter, std::uint8_t* rgb, int pixels);

// The obvious twin: the same bytes, one pixel at a time.
void JitterHsvReference(const HsvJitter& jitter, std::uint8_t* rgb, int pixels);

}  // namespace headroom
