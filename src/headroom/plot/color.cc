// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/color.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace headroom {
namespace {

constexpr std::array<std::uint32_t, 20> kPalette = {
    0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0xB5446E,
    0x8C8C2B, 0x7B6BD8, 0x3FA79A, 0xA65628, 0xAA55B5, 0x5B8C3A, 0xD98880,
    0x6C8EBF, 0xC9A227, 0x2E8FA3, 0xE07B54, 0x8F7A66, 0x909AA5};

// Anchors of a single-hue ramp, evenly spaced in lightness.
constexpr std::array<std::uint32_t, 6> kRamp = {0xF7FBFF, 0xD3E4F3, 0x97C6DF,
                                                0x4A98C9, 0x1764AB, 0x08306B};

double Linear(double component) {
  return component <= 0.04045 ? component / 12.92 : std::pow((component + 0.055) / 1.055, 2.4);
}

}  // namespace

Color PaletteColor(std::size_t index) { return Rgb(kPalette[index % kPalette.size()]); }

Color SequentialColor(double t) {
  const double position = std::clamp(t, 0.0, 1.0) * (kRamp.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(position), kRamp.size() - 2);
  const double part = position - static_cast<double>(below);
  const Color low = Rgb(kRamp[below]);
  const Color high = Rgb(kRamp[below + 1]);
  return {std::lerp(low.r, high.r, part), std::lerp(low.g, high.g, part),
          std::lerp(low.b, high.b, part)};
}

Color ReadableOn(const Color& fill) {
  const double luminance =
      0.2126 * Linear(fill.r) + 0.7152 * Linear(fill.g) + 0.0722 * Linear(fill.b);
  // Contrasts 1.05 / (L + 0.05) of white and (L + 0.05) / 0.05 of black are equal at L = 0.179.
  return luminance > 0.179 ? Rgb(0x000000) : Rgb(0xFFFFFF);
}

}  // namespace headroom
