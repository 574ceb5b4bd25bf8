// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/hsv.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace headroom {
namespace {

float Quantise(double value, double steps) {
  return static_cast<float>(std::nearbyint(value * steps) / steps);
}

struct Hsv {
  int hue, saturation, value;
};

// OpenCV's 8-bit RGB2HSV: reciprocals in 12-bit fixed point.
Hsv ToHsv(int r, int g, int b) {
  const int value = std::max({r, g, b});
  const int range = value - std::min({r, g, b});
  const auto reciprocal = [](int whole, int part) {
    return part == 0 ? 0 : static_cast<int>(std::nearbyint(static_cast<double>(whole) / part));
  };
  int sector = r - g + 4 * range;
  if (value == g) sector = b - r + 2 * range;
  if (value == r) sector = g - b;
  const int hue = (sector * reciprocal((180 << 12) / 6, range) + 2048) >> 12;
  return {hue < 0 ? hue + 180 : hue, (range * reciprocal(255 << 12, value) + 2048) >> 12, value};
}

}  // namespace

HsvJitter DrawHsvJitter(Rng rng, const AugmentOptions& options) {
  const double h = rng.Uniform(-1, 1) * options.hsv_h;
  const double s = rng.Uniform(-1, 1) * options.hsv_s;
  const double v = rng.Uniform(-1, 1) * options.hsv_v;
  return {.hue_shift = Quantise(h * 180, 1024),
          .saturation_gain = Quantise(1 + s, 4096),
          .value_gain = Quantise(1 + v, 4096)};
}

void JitterHsvReference(const HsvJitter& jitter, std::uint8_t* rgb, int pixels) {
  if (jitter.IsIdentity()) return;
  std::array<int, 180> hue_table{};
  std::array<int, 256> saturation_table{};
  std::array<int, 256> value_table{};
  for (int i = 0; i < 180; ++i) {
    hue_table[static_cast<std::size_t>(i)] =
        static_cast<int>(std::fmod(i + double{jitter.hue_shift} + 180, 180));
  }
  for (int i = 0; i < 256; ++i) {
    const auto scaled = [i](float gain) {
      return static_cast<int>(std::min(i * double{gain}, 255.0));
    };
    saturation_table[static_cast<std::size_t>(i)] = scaled(jitter.saturation_gain);
    value_table[static_cast<std::size_t>(i)] = scaled(jitter.value_gain);
  }
  for (std::uint8_t* p = rgb; p != rgb + std::ptrdiff_t{3} * pixels; p += 3) {
    const Hsv hsv = ToHsv(p[0], p[1], p[2]);
    const int hue = hue_table[static_cast<std::size_t>(hsv.hue)];
    const int saturation = saturation_table[static_cast<std::size_t>(hsv.saturation)];
    const int value = value_table[static_cast<std::size_t>(hsv.value)];
    // How far each channel is from the value, in 1/30 of the chroma.
    const std::array<int, 3> distance{30 - std::clamp(std::abs(hue - 90) - 30, 0, 30),
                                      30 - std::clamp(60 - std::abs(hue - 60), 0, 30),
                                      30 - std::clamp(60 - std::abs(hue - 120), 0, 30)};
    // In 1/128 of a grey level, as 16-bit lanes compute it: chroma = value * saturation / 255, of
    // which a channel misses distance / 30. Off by less than 2/128 before the last rounding.
    const int chroma = static_cast<int>((std::int64_t{value} * saturation * 32897) >> 16);
    for (std::size_t c = 0; c < 3; ++c) {
      const int share = distance[c] * 1092 + (distance[c] >> 2);
      const int missing = (chroma * share + (1 << 14)) >> 15;
      p[c] = static_cast<std::uint8_t>((128 * value + 64 - missing) >> 7);
    }
  }
}

}  // namespace headroom
