// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/image/header_bytes.h"

#include <cstdint>
#include <optional>

namespace headroom {

// The first directory of a TIFF block (classic or BigTIFF): a TIFF file itself, or what an EXIF
// segment holds. Nothing in the block is trusted; what lies outside the file reads as 0.
class TiffDirectory {
 public:
  struct Field {
    int type = 0;
    std::uint64_t count = 0;
    std::uint64_t value_offset = 0;  // Where the values are, in the file.
  };

  // The block begins at `base` of the file; offsets inside it are relative to that. Nothing when
  // there is no TIFF header or the directory is cut.
  [[nodiscard]] static std::optional<TiffDirectory> Open(HeaderBytes& file, std::uint64_t base);

  [[nodiscard]] std::optional<Field> Find(std::uint32_t tag);
  // Value i of a field of bytes, shorts, longs or long longs.
  [[nodiscard]] std::uint64_t Value(const Field& field, std::uint64_t i);

 private:
  TiffDirectory(HeaderBytes& file, std::uint64_t base) : file_(&file), base_(base) {}
  [[nodiscard]] std::uint64_t EntryBytes() const { return big_tiff_ ? 20 : 12; }
  [[nodiscard]] std::uint64_t Unsigned(std::uint64_t at, int bytes);

  HeaderBytes* file_;
  std::uint64_t base_;
  std::uint64_t directory_ = 0;  // Of the first entry, in the file.
  std::uint64_t entries_ = 0;
  bool big_endian_ = false;
  bool big_tiff_ = false;
};

}  // namespace headroom
