// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_room.h"

#include "headroom/core/error.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

namespace headroom {

FileRoom FindFileRoom(const std::filesystem::path& folder) {
  FileRoom room;
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) == 0 && disk.f_blocks > 0)
    room.free = Bytes::Of(disk.f_bavail, disk.f_frsize);
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    room.largest_file = Bytes(limit.rlim_cur);
  return room;
}

std::string CheckFileRoom(const std::filesystem::path& folder, const CheckpointFiles& files,
                          const FileRoom& room) {
  if (room.largest_file < files.each) {
    throw WriteError(
        fmt::format("a checkpoint of this run takes {}, but no file may be larger than {} (ulimit "
                    "-f): raise that limit, for example with `ulimit -f unlimited`",
                    ToString(files.each), ToString(room.largest_file)));
  }
  if (room.free < files.each) {
    throw WriteError(
        fmt::format("a checkpoint of this run takes {}, but only {} are free where {} lies: make "
                    "room there, or train where there is some (project=)",
                    ToString(files.each), ToString(room.free), folder.string()));
  }
  // One is always written beside the one that it replaces.
  const Bytes most = files.each * (files.count + 1);
  if (room.free == Bytes::Max() || most <= room.free + files.there) return {};
  return fmt::format(
      "WARNING the run's checkpoints take up to {} ({} of {}, and one while it is written), but {} "
      "are free where {} lies: one that cannot be written leaves the one before it",
      ToString(most), files.count, ToString(files.each), ToString(room.free + files.there),
      folder.string());
}

}  // namespace headroom
