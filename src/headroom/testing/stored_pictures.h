// SPDX-License-Identifier: Apache-2.0
// Private to testing/: files written by hand, since OpenCV's encoders write few depths. What the
// samples are does not matter to whom tests what decoding holds: they are bytes of `content`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace headroom::testing {

using FileBytes = std::vector<std::uint8_t>;

enum class PngColor : std::uint8_t { kGrey = 0, kRgb = 2, kPalette = 3, kGreyAlpha = 4, kRgba = 6 };
struct PngKind {
  PngColor color = PngColor::kRgb;
  int bits = 8;  // A sample.
  bool interlaced = false;
};
[[nodiscard]] FileBytes StorePng(int height, int width, const PngKind& kind,
                                 const FileBytes& content);

struct BmpKind {
  int bits = 24;  // A pixel: 1, 4, 8, 16, 24, 32.
  bool run_length = false;
};
[[nodiscard]] FileBytes StoreBmp(int height, int width, const BmpKind& kind,
                                 const FileBytes& content);

enum class TiffCompression : std::uint8_t { kNone = 1, kJpeg = 7, kDeflate = 8 };
enum class TiffColor : std::uint8_t { kGrey = 1, kRgb = 2, kPalette = 3, kRgba = 4 };
struct TiffKind {
  TiffColor color = TiffColor::kRgb;
  int bits = 8;  // A sample: 1 (grey), 8, 16.
  TiffCompression compression = TiffCompression::kNone;
  int rows_per_strip = 16;  // 0: one strip.
  int tile = 0;             // Side; else strips.
  bool planar = false;
  int orientation = 1;
};
[[nodiscard]] FileBytes StoreTiff(int height, int width, const TiffKind& kind,
                                  const FileBytes& content);

}  // namespace headroom::testing
