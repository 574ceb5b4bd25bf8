// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/monitor/polled_file.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace headroom {

struct HostMemory {
  Bytes total;
  Bytes available;  // What the kernel could give without swapping.
};

struct ProcessMemory {
  Bytes rss;
  Bytes rss_anon;    // What cannot be dropped: the part that counts.
  Bytes high_water;  // Of rss, since the process began.
  Bytes virtual_size;
  Bytes data_size;  // Of it, private and writable: what RLIMIT_DATA counts.
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;
  double cpu_seconds = 0;
  std::uint64_t start_ticks = 0;  // With the pid it names a process for good (until a reboot).
};

// /proc/meminfo and one process's status and stat, through open files. Reading allocates nothing
// and takes some 20 us. Not thread-safe.
class HostMemoryReader {
 public:
  explicit HostMemoryReader(const SystemRoot& root, std::string_view process = "self");
  [[nodiscard]] HostMemory ReadHost();
  // All zero when the process is gone.
  [[nodiscard]] ProcessMemory ReadProcess();

 private:
  PolledFile meminfo_;
  PolledFile status_;
  PolledFile stat_;
  char buffer_[kPollBufferSize];
};

// Bytes::Max() where there is none.
struct ResourceLimits {
  Bytes address_space = Bytes::Max();  // RLIMIT_AS
  Bytes data = Bytes::Max();           // RLIMIT_DATA
};
[[nodiscard]] ResourceLimits ReadResourceLimits();

}  // namespace headroom
