// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/tiff_directory.h"

#include <algorithm>

namespace headroom {
namespace {

constexpr std::uint64_t kMostEntries = 4096;

int BytesOfType(int type) {
  switch (type) {
    case 1:
      return 1;
    case 3:
      return 2;
    case 4:
      return 4;
    case 16:
      return 8;
    default:
      return 0;
  }
}

}  // namespace

std::optional<TiffDirectory> TiffDirectory::Open(HeaderBytes& file, std::uint64_t base) {
  TiffDirectory directory(file, base);
  if (file.Has(base, "MM")) {
    directory.big_endian_ = true;
  } else if (!file.Has(base, "II")) {
    return std::nullopt;
  }
  const std::uint64_t version = directory.Unsigned(base + 2, 2);
  if (version != 42 && version != 43) return std::nullopt;
  directory.big_tiff_ = version == 43;
  const int offset_bytes = directory.big_tiff_ ? 8 : 4;
  const int count_bytes = directory.big_tiff_ ? 8 : 2;
  const std::uint64_t at =
      base + directory.Unsigned(base + (directory.big_tiff_ ? 8 : 4), offset_bytes);
  directory.entries_ = std::min(directory.Unsigned(at, count_bytes), kMostEntries);
  directory.directory_ = at + static_cast<std::uint64_t>(count_bytes);
  const std::uint64_t entries_end =
      directory.directory_ + directory.entries_ * directory.EntryBytes();
  if (at > file.size() || entries_end > file.size()) return std::nullopt;
  return directory;
}

std::optional<TiffDirectory::Field> TiffDirectory::Find(std::uint32_t tag) {
  const int offset_bytes = big_tiff_ ? 8 : 4;
  for (std::uint64_t i = 0; i < entries_; ++i) {
    const std::uint64_t entry = directory_ + i * EntryBytes();
    if (Unsigned(entry, 2) != tag) continue;
    Field field;
    field.type = static_cast<int>(Unsigned(entry + 2, 2));
    field.count = Unsigned(entry + 4, offset_bytes);
    const std::uint64_t value = entry + 4 + static_cast<std::uint64_t>(offset_bytes);
    const std::uint64_t bytes = static_cast<std::uint64_t>(BytesOfType(field.type));
    const bool inside =
        field.count <= static_cast<std::uint64_t>(offset_bytes) / std::max<std::uint64_t>(bytes, 1);
    field.value_offset = inside ? value : base_ + Unsigned(value, offset_bytes);
    return field;
  }
  return std::nullopt;
}

std::uint64_t TiffDirectory::Value(const Field& field, std::uint64_t i) {
  const int bytes = BytesOfType(field.type);
  return i < field.count
             ? Unsigned(field.value_offset + i * static_cast<std::uint64_t>(bytes), bytes)
             : 0;
}

std::uint64_t TiffDirectory::Unsigned(std::uint64_t at, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) {
    const int place = big_endian_ ? i : bytes - 1 - i;
    value = value << 8 | file_->U8(at + static_cast<std::uint64_t>(place));
  }
  return value;
}

}  // namespace headroom
