// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace headroom {

// Height first, as everywhere in this program.
struct ImageSize {
  int height = 0;
  int width = 0;

  [[nodiscard]] int long_side() const { return height > width ? height : width; }
  // Bytes of the packed pixels.
  [[nodiscard]] Bytes PixelBytes(int channels = 3) const;
  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

// Pixels that somebody else owns: 8 bits, interleaved (H, W, C), rows `row_stride` bytes apart.
struct ImageView {
  const std::uint8_t* data = nullptr;
  int height = 0;
  int width = 0;
  int channels = 3;
  std::ptrdiff_t row_stride = 0;

  [[nodiscard]] const std::uint8_t* Row(int y) const { return data + y * row_stride; }
  [[nodiscard]] ImageSize size() const { return {height, width}; }
  [[nodiscard]] bool packed() const { return row_stride == std::ptrdiff_t{width} * channels; }
};

struct MutableImageView {
  std::uint8_t* data = nullptr;
  int height = 0;
  int width = 0;
  int channels = 3;
  std::ptrdiff_t row_stride = 0;

  [[nodiscard]] std::uint8_t* Row(int y) const { return data + y * row_stride; }
  [[nodiscard]] ImageSize size() const { return {height, width}; }
  // The rectangle [y, y + h) x [x, x + w), which must lie inside.
  [[nodiscard]] MutableImageView Crop(int y, int x, int h, int w) const;
  // NOLINTNEXTLINE(google-explicit-constructor): a view of fewer rights
  operator ImageView() const { return {data, height, width, channels, row_stride}; }
};

// Views of packed pixels.
[[nodiscard]] ImageView PackedView(const std::uint8_t* data, ImageSize size, int channels = 3);
[[nodiscard]] MutableImageView PackedView(std::uint8_t* data, ImageSize size, int channels = 3);

// BGR to RGB or back, where the pixels are: nothing is held beside them. 3 channels.
void SwapRedAndBlue(const MutableImageView& pixels);

// Owns packed 8-bit pixels. Move-only; Clone() copies. A buffer that is reused: Reshape keeps the
// memory when it is large enough, so a worker's image reaches its high-water mark and stays there.
class Image {
 public:
  Image() = default;
  explicit Image(ImageSize size, int channels = 3) { Reshape(size, channels); }
  Image(Image&& other) noexcept;
  Image& operator=(Image&& other) noexcept;
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  [[nodiscard]] static Image Clone(ImageView source);
  [[nodiscard]] Image Clone() const { return Clone(view()); }

  // Pixels are undefined afterwards. Never shrinks the memory.
  void Reshape(ImageSize size, int channels = 3);
  // Gives the memory back.
  void Reset();
  void Swap(Image& other) noexcept;

  [[nodiscard]] int height() const { return size_.height; }
  [[nodiscard]] int width() const { return size_.width; }
  [[nodiscard]] int channels() const { return channels_; }
  [[nodiscard]] ImageSize size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_.height == 0 || size_.width == 0; }
  [[nodiscard]] const std::uint8_t* data() const { return pixels_.get(); }
  [[nodiscard]] std::uint8_t* data() { return pixels_.get(); }
  [[nodiscard]] ImageView view() const { return PackedView(pixels_.get(), size_, channels_); }
  [[nodiscard]] MutableImageView view() { return PackedView(pixels_.get(), size_, channels_); }
  // Memory held, used or not.
  [[nodiscard]] Bytes NumBytes() const { return Bytes(capacity_); }

 private:
  std::unique_ptr<std::uint8_t[]> pixels_;
  std::size_t capacity_ = 0;
  ImageSize size_;
  int channels_ = 3;
};

}  // namespace headroom
