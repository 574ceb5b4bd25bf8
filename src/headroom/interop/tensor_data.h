// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace headroom {

enum class DataType : std::uint8_t {
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  kInt64,
  kInt32,
  kInt16,
  kInt8,
  kUInt8,
  kBool,
};

[[nodiscard]] std::size_t ElementSize(DataType type);
// "float16", "int64": as torch prints it.
[[nodiscard]] std::string_view Name(DataType type);
[[nodiscard]] bool IsFloating(DataType type);

using TensorShape = std::vector<std::int64_t>;

// The product of the dimensions; nothing when one is negative or the product exceeds 2^48.
[[nodiscard]] std::optional<std::int64_t> ElementCount(std::span<const std::int64_t> shape);

// A contiguous row-major little-endian tensor that knows nothing of LibTorch: its own bytes, or a
// view of bytes that the caller keeps alive (a mapped file). Views may be unaligned: read elements
// through CopyAsFloat or std::memcpy. Move-only, since the bytes may be large.
class TensorData {
 public:
  TensorData() = default;
  // The bytes must be exactly what shape and type need (InternalError otherwise).
  [[nodiscard]] static TensorData View(DataType type, TensorShape shape,
                                       std::span<const std::byte> bytes);
  [[nodiscard]] static TensorData Own(DataType type, TensorShape shape,
                                      std::vector<std::byte> bytes);
  [[nodiscard]] static TensorData FromFloats(TensorShape shape, std::span<const float> values);
  [[nodiscard]] static TensorData FromInts(TensorShape shape, std::span<const std::int64_t> values);

  TensorData(TensorData&&) noexcept = default;  // A moved vector keeps its block, so views hold.
  TensorData& operator=(TensorData&&) noexcept = default;
  TensorData(const TensorData&) = delete;
  TensorData& operator=(const TensorData&) = delete;
  ~TensorData() = default;
  // A tensor that owns a copy of the bytes.
  [[nodiscard]] TensorData Clone() const;
  // A view of these bytes, valid as long as they are.
  [[nodiscard]] TensorData Borrow() const { return View(type_, shape_, bytes_); }

  [[nodiscard]] DataType type() const { return type_; }
  [[nodiscard]] const TensorShape& shape() const { return shape_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::int64_t count() const;

 private:
  DataType type_ = DataType::kFloat32;
  TensorShape shape_ = {0};
  std::span<const std::byte> bytes_;
  std::vector<std::byte> owned_;
};

// Every element as float, any type (integers round to nearest). values.size() must equal count().
void CopyAsFloat(const TensorData& tensor, std::span<float> values);
[[nodiscard]] std::vector<float> AsFloats(const TensorData& tensor);

// Float32 to float16 and any floating type to float32; other pairs are an InternalError.
[[nodiscard]] TensorData ConvertTo(const TensorData& tensor, DataType type);
// True when a finite element of a float32 tensor would become infinite in float16 (a batch-norm
// variance above 65504): such a tensor is better left in float32.
[[nodiscard]] bool OverflowsHalf(const TensorData& tensor);

}  // namespace headroom
