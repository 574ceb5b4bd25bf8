// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/host_memory.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

namespace headroom {
namespace {

Bytes Field(std::string_view text, std::string_view key) {
  return Bytes(FindNumber(text, key).value_or(0));
}

// The n-th field of /proc/pid/stat as proc(5) counts them, for n >= 3: the command in front may
// hold blanks and brackets.
std::uint64_t StatField(std::string_view after_command, int n) {
  for (int field = 3; field < n; ++field) {
    const std::size_t blank = after_command.find(' ');
    if (blank == std::string_view::npos) return 0;
    after_command.remove_prefix(blank + 1);
  }
  return LeadingNumber(after_command).value_or(0);
}

}  // namespace

HostMemoryReader::HostMemoryReader(const SystemRoot& root, std::string_view process)
    : meminfo_(root.At("/proc/meminfo")),
      status_(root.At(fmt::format("/proc/{}/status", process))),
      stat_(root.At(fmt::format("/proc/{}/stat", process))) {}

HostMemory HostMemoryReader::ReadHost() {
  const std::string_view text = meminfo_.Read(buffer_);
  return {Field(text, "MemTotal:"), Field(text, "MemAvailable:")};
}

ProcessMemory HostMemoryReader::ReadProcess() {
  ProcessMemory memory;
  const std::string_view status = status_.Read(buffer_);
  memory.rss = Field(status, "VmRSS:");
  memory.rss_anon = Field(status, "RssAnon:");
  memory.high_water = Field(status, "VmHWM:");
  memory.virtual_size = Field(status, "VmSize:");
  memory.data_size = Field(status, "VmData:");
  std::string_view stat = stat_.Read(buffer_);
  const std::size_t command_end = stat.rfind(") ");
  if (command_end == std::string_view::npos) return memory;
  stat.remove_prefix(command_end + 2);
  memory.minor_faults = StatField(stat, 10);
  memory.major_faults = StatField(stat, 12);
  static const double ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  memory.cpu_seconds =
      static_cast<double>(StatField(stat, 14) + StatField(stat, 15)) / ticks_per_second;
  memory.start_ticks = StatField(stat, 22);
  return memory;
}

ResourceLimits ReadResourceLimits() {
  const auto read = [](auto which) {
    rlimit limit{};
    if (::getrlimit(which, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return Bytes::Max();
    return Bytes(limit.rlim_cur);
  };
  return {read(RLIMIT_AS), read(RLIMIT_DATA)};
}

}  // namespace headroom
