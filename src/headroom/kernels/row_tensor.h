// SPDX-License-Identifier: Apache-2.0
// The vectorised row kernels of the CPU operations: everything between two convolutions, on
// channels-last memory. Each kernel is a free function over a plain struct, runs on the calling
// thread over a range that the caller chose, allocates nothing and throws nothing. Calls on
// disjoint ranges may run at the same time; how to combine what they return is said where it
// matters. The instruction set is chosen at run time (simd_target.h).
#pragma once

#include "headroom/kernels/bfloat16.h"

#include <cstdint>
#include <type_traits>

namespace headroom {

enum class ElementType : std::uint8_t { kFloat32, kBFloat16 };

[[nodiscard]] constexpr std::int64_t ElementBytes(ElementType type) {
  return type == ElementType::kFloat32 ? 4 : 2;
}

// Rows of channels: element (r, c) is data[r * row_stride + c]. For an image batch [N, H, W, C] the
// row of pixel (n, y, x) is (n * H + y) * W + x. row_stride counts elements; it exceeds the number
// of channels when the tensor is a channel slice of a wider one. No alignment beyond the element's
// own is needed. Kernels touch the channels that they are told of and nothing between rows. Views:
// the memory belongs to the caller.
struct ConstRowTensor {
  const void* data = nullptr;
  std::int64_t row_stride = 0;
  ElementType type = ElementType::kFloat32;

  ConstRowTensor() = default;
  ConstRowTensor(const float* rows, std::int64_t stride) : data(rows), row_stride(stride) {}
  ConstRowTensor(const BFloat16* rows, std::int64_t stride)
      : data(rows), row_stride(stride), type(ElementType::kBFloat16) {}
  ConstRowTensor(const void* rows, std::int64_t stride, ElementType element)
      : data(rows), row_stride(stride), type(element) {}
};

struct RowTensor {
  void* data = nullptr;
  std::int64_t row_stride = 0;
  ElementType type = ElementType::kFloat32;

  RowTensor() = default;
  RowTensor(float* rows, std::int64_t stride) : data(rows), row_stride(stride) {}
  RowTensor(BFloat16* rows, std::int64_t stride)
      : data(rows), row_stride(stride), type(ElementType::kBFloat16) {}
  RowTensor(void* rows, std::int64_t stride, ElementType element)
      : data(rows), row_stride(stride), type(element) {}
  // NOLINTNEXTLINE(google-explicit-constructor): adds const only
  operator ConstRowTensor() const { return {data, row_stride, type}; }
};

// The same rows from (row, channel) on. Either may be 0.
[[nodiscard]] inline ConstRowTensor Offset(const ConstRowTensor& t, std::int64_t row,
                                           std::int64_t channel) {
  const std::int64_t bytes = (row * t.row_stride + channel) * ElementBytes(t.type);
  return {static_cast<const char*>(t.data) + bytes, t.row_stride, t.type};
}
[[nodiscard]] inline RowTensor Offset(const RowTensor& t, std::int64_t row, std::int64_t channel) {
  const std::int64_t bytes = (row * t.row_stride + channel) * ElementBytes(t.type);
  return {static_cast<char*>(t.data) + bytes, t.row_stride, t.type};
}

// Indices [begin, end) of rows, lines, images or whatever a kernel counts.
struct IndexRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  [[nodiscard]] std::int64_t size() const { return end - begin; }
};

// Batch of images in channels-last memory.
struct ImageShape {
  std::int64_t images = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
};

// What a gradient kernel does with its destination.
enum class GradientWrite : std::uint8_t { kAssign, kAccumulate };

}  // namespace headroom
