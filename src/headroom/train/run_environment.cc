// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_environment.h"

#include "headroom/core/strings.h"
#include "headroom/core/version.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/monitor/usable_cores.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <torch/version.h>
#include <unistd.h>

#include <ctime>
#include <fstream>

namespace headroom {
namespace {

// As Linux names it; the architecture where it names none (ARM).
std::string ProcessorName(const std::string& architecture) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return std::string(Trim(line.substr(line.find(':') + 1)));
  }
  return architecture;
}

Bytes InstalledMemory() {
  return Bytes::Of(static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)),
                   static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE)));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> DescribeEnvironment() {
  utsname system{};
  ::uname(&system);
  const UsableCores cores = FindUsableCores();
  std::vector<std::pair<std::string, std::string>> facts = {
      {"Headroom", kProgramVersion},
      {"LibTorch", TORCH_VERSION},
      {"processor", ProcessorName(system.machine)},
      {"cores", fmt::format("{} ({})", cores.count, cores.origin)},
      {"installed memory", ToString(InstalledMemory())},
      {"system", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
      {"written", fmt::format("{:%Y-%m-%d %H:%M %z}", fmt::localtime(std::time(nullptr)))}};
  for (const MemoryLimit& limit : FindEffectiveLimit().all) {
    if (limit.bytes != Bytes::Max())
      facts.emplace_back("memory limit",
                         fmt::format("{}: {}", ToString(limit.bytes), limit.origin));
  }
  return facts;
}

}  // namespace headroom
