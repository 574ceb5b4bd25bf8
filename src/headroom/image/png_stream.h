// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"

#include <cstdint>
#include <optional>
#include <span>

namespace headroom {

// Walks the chunks of a whole PNG file, 64 KiB at a time. Failure: a chunk that is cut or whose
// checksum is wrong, no end chunk. That is what makes a truncated file known without inflating it.
// The descriptor stays the caller's.
[[nodiscard]] Status CheckPng(int descriptor, std::uint64_t size);

// The same for a file in memory, and moves the chunks that decide pixels (IHDR, PLTE, tRNS, IDAT,
// IEND) together at the buffer's front; returns their length. Colour profiles, texts and the like
// change no pixel of cv::imread, but libpng prints a line for each that it dislikes.
[[nodiscard]] Result<std::size_t> KeepPixelChunks(std::span<std::uint8_t> file);

}  // namespace headroom
