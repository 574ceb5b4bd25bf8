// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/augment_options.h"

#include "headroom/core/error.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace headroom {
namespace {

void CheckRange(std::string_view name, double value, double low, double high) {
  if (value >= low && value <= high) return;
  throw ConfigError(
      fmt::format("{}={} is not allowed; use a number from {} to {}", name, value, low, high));
}

}  // namespace

void AugmentOptions::Validate() const {
  CheckRange("hsv_h", hsv_h, 0, 1);
  CheckRange("hsv_s", hsv_s, 0, 1);
  CheckRange("hsv_v", hsv_v, 0, 1);
  CheckRange("degrees", degrees, 0, 180);
  CheckRange("translate", translate, 0, 1);
  CheckRange("shear", shear, 0, 89);
  CheckRange("perspective", perspective, 0, 0.001);
  CheckRange("flipud", flipud, 0, 1);
  CheckRange("fliplr", fliplr, 0, 1);
  CheckRange("bgr", bgr, 0, 1);
  CheckRange("mosaic", mosaic, 0, 1);
  CheckRange("mixup", mixup, 0, 1);
  CheckRange("cutmix", cutmix, 0, 1);
  CheckRange("copy_paste", copy_paste, 0, 1);
  if (!(zoom_low >= 0 && zoom_low <= zoom_high && std::isfinite(zoom_high))) {
    throw ConfigError(
        fmt::format("scale gives zooms from {} to {}; use scale=s with s from 0 to 1, or "
                    "scale=(low,high) with 0 <= low <= high",
                    zoom_low, zoom_high));
  }
}

}  // namespace headroom
