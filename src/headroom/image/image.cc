// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/image.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace headroom {

Bytes ImageSize::PixelBytes(int channels) const {
  return Bytes::Of(static_cast<std::uint64_t>(height) * static_cast<std::uint64_t>(width),
                   static_cast<std::uint64_t>(channels));
}

MutableImageView MutableImageView::Crop(int y, int x, int h, int w) const {
  HEADROOM_CHECK(y >= 0 && x >= 0 && h >= 0 && w >= 0 && y + h <= height && x + w <= width,
                 fmt::format("crop {}x{} at {},{} of {}x{}", h, w, y, x, height, width));
  return {Row(y) + std::ptrdiff_t{x} * channels, h, w, channels, row_stride};
}

ImageView PackedView(const std::uint8_t* data, ImageSize size, int channels) {
  return {data, size.height, size.width, channels, std::ptrdiff_t{size.width} * channels};
}

MutableImageView PackedView(std::uint8_t* data, ImageSize size, int channels) {
  return {data, size.height, size.width, channels, std::ptrdiff_t{size.width} * channels};
}

void SwapRedAndBlue(const MutableImageView& pixels) {
  HEADROOM_CHECK(pixels.channels == 3, "red and blue of 3 channels are swapped");
  for (int y = 0; y < pixels.height; ++y) {
    std::uint8_t* pixel = pixels.Row(y);
    for (int x = 0; x < pixels.width; ++x, pixel += 3) std::swap(pixel[0], pixel[2]);
  }
}

Image::Image(Image&& other) noexcept { Swap(other); }

Image& Image::operator=(Image&& other) noexcept {
  Image taken(std::move(other));
  Swap(taken);
  return *this;
}

Image Image::Clone(ImageView source) {
  Image copy(source.size(), source.channels);
  const std::size_t row_bytes = static_cast<std::size_t>(source.width) * source.channels;
  for (int y = 0; y < source.height; ++y) {
    std::memcpy(copy.view().Row(y), source.Row(y), row_bytes);
  }
  return copy;
}

void Image::Reshape(ImageSize size, int channels) {
  HEADROOM_CHECK(size.height >= 0 && size.width >= 0 && channels > 0,
                 fmt::format("image of {}x{}x{}", size.height, size.width, channels));
  const std::size_t bytes = size.PixelBytes(channels).count();
  if (bytes > capacity_) {
    Reset();  // The old pixels are not needed: never hold both.
    pixels_ = std::make_unique_for_overwrite<std::uint8_t[]>(bytes);
    capacity_ = bytes;
  }
  size_ = size;
  channels_ = channels;
}

void Image::Reset() {
  pixels_.reset();
  capacity_ = 0;
  size_ = {};
}

void Image::Swap(Image& other) noexcept {
  std::swap(pixels_, other.pixels_);
  std::swap(capacity_, other.capacity_);
  std::swap(size_, other.size_);
  std::swap(channels_, other.channels_);
}

}  // namespace headroom
