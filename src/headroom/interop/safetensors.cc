// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/safetensors.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

namespace headroom {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLargestHeader = std::size_t{16} << 20;
constexpr int kDeepestHeader = 4;

std::optional<DataType> ParseType(std::string_view text) {
  constexpr std::pair<std::string_view, DataType> kTypes[] = {
      {"F16", DataType::kFloat16}, {"BF16", DataType::kBFloat16}, {"F32", DataType::kFloat32},
      {"F64", DataType::kFloat64}, {"I64", DataType::kInt64},     {"I32", DataType::kInt32},
      {"I16", DataType::kInt16},   {"I8", DataType::kInt8},       {"U8", DataType::kUInt8},
      {"BOOL", DataType::kBool},
  };
  const auto at = std::ranges::find(kTypes, text, &std::pair<std::string_view, DataType>::first);
  if (at == std::end(kTypes)) return std::nullopt;
  return at->second;
}

std::uint64_t HeaderSize(std::span<const std::byte> file) {
  std::uint64_t size = 0;
  std::memcpy(&size, file.data(), sizeof(size));
  return size;
}

// The unsigned integers of an array; nothing when it is anything else.
std::optional<std::vector<std::int64_t>> Integers(const Json& entry, const char* key) {
  const auto at = entry.find(key);
  if (at == entry.end() || !at->is_array()) return std::nullopt;
  std::vector<std::int64_t> values;
  for (const Json& item : *at) {
    if (!item.is_number_unsigned()) return std::nullopt;
    values.push_back(static_cast<std::int64_t>(item.get<std::uint64_t>()));
  }
  return values;
}

Result<TensorData> ReadEntry(const std::string& name, const Json& entry,
                             std::span<const std::byte> data) {
  const auto bad = [&](std::string_view what) {
    return Failure{fmt::format("tensor {}: {}", name, what)};
  };
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string())
    return bad("no dtype");
  const auto type = ParseType(entry["dtype"].get_ref<const std::string&>());
  if (!type) return bad("its dtype is none of F16, BF16, F32, F64, I64, I32, I16, I8, U8, BOOL");
  const auto shape = Integers(entry, "shape");
  const auto offsets = Integers(entry, "data_offsets");
  if (!shape || !offsets || offsets->size() != 2) return bad("no shape or data_offsets");
  const auto count = ElementCount(*shape);
  const auto begin = static_cast<std::uint64_t>((*offsets)[0]);
  const auto end = static_cast<std::uint64_t>((*offsets)[1]);
  if (!count || begin > end || end > data.size()) return bad("it lies outside the file");
  if (static_cast<std::uint64_t>(*count) * ElementSize(*type) != end - begin)
    return bad("its size does not fit its shape");
  return TensorData::View(*type, *shape, data.subspan(begin, end - begin));
}

// Null when the text is no JSON or nested deeper than a header is.
Json ParseHeader(std::string_view text) {
  bool deep = false;
  const auto limit = [&deep](int depth, Json::parse_event_t, Json&) {
    deep |= depth > kDeepestHeader;
    return !deep;
  };
  Json header = Json::parse(text.begin(), text.end(), limit, false);
  return deep || header.is_discarded() ? Json() : header;
}

}  // namespace

bool LooksLikeSafetensors(std::span<const std::byte> file) {
  constexpr std::size_t kPrefix = 8;
  return file.size() > kPrefix && HeaderSize(file) >= 2 &&
         HeaderSize(file) <= file.size() - kPrefix && file[kPrefix] == std::byte{'{'};
}

Result<SafetensorsContents> ReadSafetensors(std::span<const std::byte> file) {
  if (!LooksLikeSafetensors(file)) return Failure{"not a safetensors file"};
  const std::uint64_t header_size = HeaderSize(file);
  if (header_size > kLargestHeader)
    return Failure{fmt::format("a header of {} bytes", header_size)};
  const Json header = ParseHeader({reinterpret_cast<const char*>(file.data()) + 8, header_size});
  if (!header.is_object()) return Failure{"its header is not a JSON object"};
  SafetensorsContents contents;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      for (const auto& [key, value] : entry.items()) {
        if (value.is_string()) contents.metadata[key] = value.get<std::string>();
      }
      continue;
    }
    auto tensor = ReadEntry(name, entry, file.subspan(8 + header_size));
    if (!tensor) return Failure{tensor.error()};
    contents.tensors.emplace_back(name, std::move(*tensor));
  }
  std::ranges::sort(contents.tensors, {}, [](const auto& item) {
    return std::pair<const std::byte*, std::string_view>(item.second.bytes().data(), item.first);
  });
  return contents;
}

}  // namespace headroom
