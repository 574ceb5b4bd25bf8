// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace headroom {

enum class CopyPasteMode : std::uint8_t { kFlip, kMixUp };

// The training options that change pictures, by their names and defaults on the command line.
struct AugmentOptions {
  double hsv_h = 0.015;  // Shares of the range, [0, 1].
  double hsv_s = 0.7;
  double hsv_v = 0.4;
  double degrees = 0;      // Rotation, +-.
  double translate = 0.1;  // Shift, +- share of the output's size.
  double zoom_low = 0.5;   // scale=0.5 means 0.5 ... 1.5; scale=(a,b) is the range itself.
  double zoom_high = 1.5;
  double shear = 0;        // Degrees, +-.
  double perspective = 0;  // +-, per pixel.
  double flipud = 0;       // Probabilities, [0, 1], from here on.
  double fliplr = 0.5;
  double bgr = 0;
  double mosaic = 1;
  double mixup = 0;
  double cutmix = 0;
  double copy_paste = 0;
  CopyPasteMode copy_paste_mode = CopyPasteMode::kFlip;

  // What remains after close_mosaic.
  [[nodiscard]] AugmentOptions WithoutMosaic() const {
    AugmentOptions closed = *this;
    closed.mosaic = closed.mixup = closed.cutmix = closed.copy_paste = 0;
    return closed;
  }
  // Throws ConfigError that names the option, its value and what is allowed.
  void Validate() const;
};

}  // namespace headroom
