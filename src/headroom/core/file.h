// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace headroom {

// The whole file. Failure names the path and the system's reason.
[[nodiscard]] Result<std::string> ReadFile(const std::filesystem::path& path);

// Writes through a file descriptor; throws WriteError (path, reason: "No space left on device") on
// any short write.
class FileWriter {
 public:
  // Takes ownership of an open descriptor.
  FileWriter(int descriptor, std::filesystem::path path)
      : descriptor_(descriptor), path_(std::move(path)) {}
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void Write(std::string_view bytes);
  void Write(const void* data, std::size_t size) { Write({static_cast<const char*>(data), size}); }
  [[nodiscard]] std::uint64_t position() const { return position_; }
  // Flushes to the disk and closes; errors count (a full disk may show only here).
  void Close();

 private:
  int descriptor_;
  std::filesystem::path path_;
  std::uint64_t position_ = 0;
};

// Writes a temporary file in the same folder, syncs it, renames it over the path: a kill at any
// moment leaves the old file or the new one, never a part. Throws WriteError; the old file is then
// untouched and the temporary one removed.
void WriteFileAtomic(const std::filesystem::path& path,
                     const std::function<void(FileWriter&)>& write);
void WriteFileAtomic(const std::filesystem::path& path, std::string_view bytes);

}  // namespace headroom
