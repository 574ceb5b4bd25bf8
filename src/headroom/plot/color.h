// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace headroom {

// What a colour stands for. A page that shows an SVG chart restyles all but kFixed, which is how
// charts follow its dark mode.
enum class ColorRole : std::uint8_t { kFixed, kInk, kMuted, kGrid, kPaper, kAccent };

// sRGB, components 0..1. The components of a themed colour are those of a light page.
struct Color {
  double r = 0;
  double g = 0;
  double b = 0;
  double a = 1;
  ColorRole role = ColorRole::kFixed;

  [[nodiscard]] constexpr Color WithAlpha(double alpha) const { return {r, g, b, alpha, role}; }
};

[[nodiscard]] constexpr Color Rgb(std::uint32_t hex, ColorRole role = ColorRole::kFixed) {
  return {((hex >> 16) & 0xFF) / 255.0, ((hex >> 8) & 0xFF) / 255.0, (hex & 0xFF) / 255.0, 1, role};
}

inline constexpr Color kInk = Rgb(0x1F2328, ColorRole::kInk);
inline constexpr Color kMuted = Rgb(0x626A73, ColorRole::kMuted);
inline constexpr Color kGrid = Rgb(0xDDE1E6, ColorRole::kGrid);
inline constexpr Color kPaper = Rgb(0xFFFFFF, ColorRole::kPaper);
// The one line that matters most, and what must not be crossed.
inline constexpr Color kAccent = Rgb(0x0072B2, ColorRole::kAccent);
inline constexpr Color kAlarm = Rgb(0xC0392B);

// 20 colours, repeated; the first 8 are those of Okabe and Ito (2008), which people with any colour
// vision tell apart. All keep a contrast to both white and near-black.
[[nodiscard]] Color PaletteColor(std::size_t index);
// t in [0, 1], white to dark blue: order survives every colour vision and grey print.
[[nodiscard]] Color SequentialColor(double t);
// Black or white, whichever reads better on the fill (relative luminance of WCAG 2).
[[nodiscard]] Color ReadableOn(const Color& fill);

}  // namespace headroom
