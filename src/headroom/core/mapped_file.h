// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"

#include <cstddef>
#include <filesystem>
#include <span>

namespace headroom {

// A file mapped for reading. Its pages are the system's clean cache, not memory of ours, but a file
// that somebody shortens meanwhile kills the reader: map only for a moment, and only what we write
// by renaming. Move-only.
class MappedFile {
 public:
  // Failure names the path and the system's reason. An empty file maps to no bytes.
  [[nodiscard]] static Result<MappedFile> Open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

}  // namespace headroom
