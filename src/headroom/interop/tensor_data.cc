// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/tensor_data.h"

#include "headroom/core/check.h"
#include "headroom/interop/half_float.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace headroom {
namespace {

template <typename T>
T Load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

// Calls convert(T) for every element of stored type T and writes what it gives.
template <typename T, typename Out, typename Convert>
void Transform(std::span<const std::byte> bytes, std::span<Out> out, Convert convert) {
  const std::byte* at = bytes.data();
  for (Out& value : out) {
    value = convert(Load<T>(at));
    at += sizeof(T);
  }
}

template <typename T, typename Out>
void Cast(std::span<const std::byte> bytes, std::span<Out> out) {
  Transform<T>(bytes, out, [](T value) { return static_cast<Out>(value); });
}

template <typename Out>
void CopyElements(const TensorData& tensor, std::span<Out> out) {
  HEADROOM_CHECK(static_cast<std::int64_t>(out.size()) == tensor.count(),
                 fmt::format("{} values for a tensor of {}", out.size(), tensor.count()));
  const auto bytes = tensor.bytes();
  const auto half = [](std::uint16_t v) { return static_cast<Out>(HalfToFloat(v)); };
  const auto brain = [](std::uint16_t v) { return static_cast<Out>(BFloat16ToFloat(v)); };
  switch (tensor.type()) {
    case DataType::kFloat16:
      return Transform<std::uint16_t>(bytes, out, half);
    case DataType::kBFloat16:
      return Transform<std::uint16_t>(bytes, out, brain);
    case DataType::kFloat32:
      return Cast<float>(bytes, out);
    case DataType::kFloat64:
      return Cast<double>(bytes, out);
    case DataType::kInt64:
      return Cast<std::int64_t>(bytes, out);
    case DataType::kInt32:
      return Cast<std::int32_t>(bytes, out);
    case DataType::kInt16:
      return Cast<std::int16_t>(bytes, out);
    case DataType::kInt8:
      return Cast<std::int8_t>(bytes, out);
    case DataType::kUInt8:
    case DataType::kBool:
      return Cast<std::uint8_t>(bytes, out);
  }
}

template <typename T>
TensorData FromValues(DataType type, TensorShape shape, std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  return TensorData::Own(type, std::move(shape), {bytes.begin(), bytes.end()});
}

}  // namespace

std::size_t ElementSize(DataType type) {
  switch (type) {
    case DataType::kFloat64:
    case DataType::kInt64:
      return 8;
    case DataType::kFloat32:
    case DataType::kInt32:
      return 4;
    case DataType::kFloat16:
    case DataType::kBFloat16:
    case DataType::kInt16:
      return 2;
    case DataType::kInt8:
    case DataType::kUInt8:
    case DataType::kBool:
      return 1;
  }
  return 1;
}

std::string_view Name(DataType type) {
  switch (type) {
    case DataType::kFloat16:
      return "float16";
    case DataType::kBFloat16:
      return "bfloat16";
    case DataType::kFloat32:
      return "float32";
    case DataType::kFloat64:
      return "float64";
    case DataType::kInt64:
      return "int64";
    case DataType::kInt32:
      return "int32";
    case DataType::kInt16:
      return "int16";
    case DataType::kInt8:
      return "int8";
    case DataType::kUInt8:
      return "uint8";
    case DataType::kBool:
      return "bool";
  }
  return "unknown";
}

bool IsFloating(DataType type) {
  return type == DataType::kFloat16 || type == DataType::kBFloat16 || type == DataType::kFloat32 ||
         type == DataType::kFloat64;
}

std::optional<std::int64_t> ElementCount(std::span<const std::int64_t> shape) {
  constexpr std::int64_t kLimit = std::int64_t{1} << 48;
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size < 0 || size > kLimit) return std::nullopt;
    if (__builtin_mul_overflow(count, size, &count) || count > kLimit) return std::nullopt;
  }
  return count;
}

TensorData TensorData::View(DataType type, TensorShape shape, std::span<const std::byte> bytes) {
  const auto count = ElementCount(shape);
  HEADROOM_CHECK(count && static_cast<std::uint64_t>(*count) * ElementSize(type) == bytes.size(),
                 fmt::format("{} bytes do not fit the shape [{}] of {}", bytes.size(),
                             fmt::join(shape, ", "), Name(type)));
  TensorData tensor;
  tensor.type_ = type;
  tensor.shape_ = std::move(shape);
  tensor.bytes_ = bytes;
  return tensor;
}

TensorData TensorData::Own(DataType type, TensorShape shape, std::vector<std::byte> bytes) {
  TensorData tensor = View(type, std::move(shape), bytes);
  tensor.owned_ = std::move(bytes);
  return tensor;
}

TensorData TensorData::FromFloats(TensorShape shape, std::span<const float> values) {
  return FromValues(DataType::kFloat32, std::move(shape), values);
}

TensorData TensorData::FromInts(TensorShape shape, std::span<const std::int64_t> values) {
  return FromValues(DataType::kInt64, std::move(shape), values);
}

TensorData TensorData::Clone() const { return Own(type_, shape_, {bytes_.begin(), bytes_.end()}); }

std::int64_t TensorData::count() const {
  return static_cast<std::int64_t>(bytes_.size() / ElementSize(type_));
}

void CopyAsFloat(const TensorData& tensor, std::span<float> values) {
  CopyElements(tensor, values);
}

std::vector<float> AsFloats(const TensorData& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.count()));
  CopyAsFloat(tensor, values);
  return values;
}

TensorData ConvertTo(const TensorData& tensor, DataType type) {
  if (tensor.type() == type) return tensor.Clone();
  const bool narrows = tensor.type() == DataType::kFloat32 && type == DataType::kFloat16;
  HEADROOM_CHECK(narrows || (IsFloating(tensor.type()) && type == DataType::kFloat32),
                 fmt::format("no conversion from {} to {}", Name(tensor.type()), Name(type)));
  std::vector<std::byte> bytes(static_cast<std::size_t>(tensor.count()) * ElementSize(type));
  if (narrows) {
    const std::span out(reinterpret_cast<std::uint16_t*>(bytes.data()), bytes.size() / 2);
    Transform<float>(tensor.bytes(), out, FloatToHalf);
  } else {
    CopyAsFloat(tensor, {reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)});
  }
  return TensorData::Own(type, tensor.shape(), std::move(bytes));
}

bool OverflowsHalf(const TensorData& tensor) {
  if (tensor.type() != DataType::kFloat32) return false;
  const std::byte* at = tensor.bytes().data();
  for (std::int64_t i = 0; i < tensor.count(); ++i, at += sizeof(float)) {
    const float magnitude = std::abs(Load<float>(at));
    if (magnitude > kLargestHalf && std::isfinite(magnitude)) return true;
  }
  return false;
}

}  // namespace headroom
