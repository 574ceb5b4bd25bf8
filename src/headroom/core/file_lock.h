// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"

#include <filesystem>
#include <memory>
#include <string_view>

namespace headroom {

// A file that one process holds: as long as the object lives, at most until the process ends,
// however it ends. It says in a text who holds it, and goes with the lock; one that a kill has left
// is nobody's.
class FileLock {
 public:
  // Failure: another holds it; the text is what that one wrote. Where the file system knows no
  // locks it is taken, and excludes() is false. Throws WriteError where the file cannot be made.
  [[nodiscard]] static Result<std::unique_ptr<FileLock>> Take(const std::filesystem::path& path,
                                                              std::string_view holder);
  // For Take: of an open file.
  FileLock(std::filesystem::path path, int descriptor, bool excludes);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  [[nodiscard]] bool excludes() const { return excludes_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int descriptor_;
  bool excludes_;
};

}  // namespace headroom
