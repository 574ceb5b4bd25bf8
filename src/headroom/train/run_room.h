// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace headroom {

// What a folder's file system and the process's limits leave for files.
struct FileRoom {
  Bytes free = Bytes::Max();          // For all of them.
  Bytes largest_file = Bytes::Max();  // RLIMIT_FSIZE.
};
// What cannot be found out bounds nothing.
[[nodiscard]] FileRoom FindFileRoom(const std::filesystem::path& folder);

// The checkpoints that a run keeps: last.pt, best.pt and those of save_period=.
struct CheckpointFiles {
  Bytes each;
  std::uint64_t count = 2;
  Bytes there;  // What those that are there take already.
};

// Tried before the first step: throws WriteError where not even one more checkpoint could be
// written. A warning where the room does not last until the end; else empty.
[[nodiscard]] std::string CheckFileRoom(const std::filesystem::path& folder,
                                        const CheckpointFiles& files, const FileRoom& room);

}  // namespace headroom
