// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/file.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

// When sizes and offsets go to the zip64 fields; kAlways is for tests.
enum class Zip64 : std::uint8_t { kWhenNeeded, kAlways };

// Writes a ZIP archive of stored members into a file as they come, each payload at a multiple of 64
// bytes (the padding sits in the local header's extra field "FB", as torch.save does, so that a
// reader may map tensors). Holds about 80 bytes a member. The file is complete after Finish; errors
// of the disk are WriteError. Not thread-safe.
class ZipWriter {
 public:
  explicit ZipWriter(FileWriter& file, Zip64 zip64 = Zip64::kWhenNeeded)
      : file_(&file), zip64_(zip64) {}

  // The name must be new and at most 65535 bytes long.
  void Add(std::string_view name, std::span<const std::byte> payload);
  void Add(std::string_view name, std::string_view payload) {
    Add(name, std::as_bytes(std::span(payload)));
  }
  void Finish();

 private:
  struct Entry {
    std::string name;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint32_t crc32 = 0;
  };

  FileWriter* file_;
  Zip64 zip64_;
  std::vector<Entry> entries_;
};

}  // namespace headroom
