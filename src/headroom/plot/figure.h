// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/memory/memory_need.h"
#include "headroom/plot/canvas.h"

#include <filesystem>
#include <functional>
#include <string>

namespace headroom {

// A drawing of a known size that can be made on any canvas. Those of this module refer to the data
// that they were made from, which must outlive them.
struct Figure {
  double width = 0;
  double height = 0;
  std::string title;  // For screen readers; not drawn.
  std::function<void(Canvas&)> draw;
};

// Pixels a unit in files.
inline constexpr double kFileScale = 2;

// Throw WriteError; a file is whole or not there.
void WritePng(const std::filesystem::path& path, const Figure& figure);
void WriteJpeg(const std::filesystem::path& path, const Figure& figure);
[[nodiscard]] std::string RenderSvg(const Figure& figure);

// What writing the figure to a file holds: the canvas, and a JPEG's buffer.
[[nodiscard]] MemoryNeed EstimateMemory(const Figure& figure);

}  // namespace headroom
