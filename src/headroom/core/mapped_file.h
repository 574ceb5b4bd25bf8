// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"

#include <cstddef>
#include <filesystem>
#include <span>

namespace headroom {

// A file's bytes, mapped read-only: nothing is loaded until it is looked at, and the pages count as
// file cache, not as ours. Headroom replaces files by renaming, so its own never shrink under a
// mapping; a file that someone else truncates meanwhile ends the process with SIGBUS. Move-only.
class MappedFile {
 public:
  [[nodiscard]] static Result<MappedFile> Open(const std::filesystem::path& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

  // Takes the pages of `part`, a part of a mapped file, out of the process's resident size; they
  // are read again (from the page cache, as a rule) when they are looked at.
  static void Release(std::span<const std::byte> part);

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace headroom
