// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/monitor/polled_file.h"
#include "headroom/testing/temp_dir.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace headroom::testing {

// A made-up /proc and /sys for tests.
class FakeSystem {
 public:
  // Replaces the content in place, as the kernel's files change under an open descriptor.
  void Write(const std::string& system_path, std::string_view content) {
    const std::filesystem::path path = root().At(system_path);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::trunc) << content;
  }
  void Host(std::uint64_t available_mib, std::uint64_t anon_mib, std::uint64_t virtual_mib = 1000) {
    Write("/proc/meminfo", "MemTotal:       33554432 kB\nMemFree:  1 kB\nMemAvailable: " +
                               std::to_string(available_mib * 1024) + " kB\n");
    Write("/proc/self/status", "Name:\tyolo\nVmSize:\t" + std::to_string(virtual_mib * 1024) +
                                   " kB\nVmData:\t" + std::to_string((virtual_mib - 600) * 1024) +
                                   " kB\nVmHWM:\t" + std::to_string((anon_mib + 20) * 1024) +
                                   " kB\nVmRSS:\t" + std::to_string((anon_mib + 10) * 1024) +
                                   " kB\nRssAnon:\t" + std::to_string(anon_mib * 1024) + " kB\n");
    Write("/proc/self/stat",
          "77 (a (b) c) S 1 77 77 0 -1 4194560 1200 0 34 0 250 50 0 0 20 0 3 0 987654 1000 100 "
          "18446744073709551615\n");
  }
  [[nodiscard]] SystemRoot root() const { return {folder_.path()}; }

 private:
  TempDir folder_;
};

inline std::uint64_t Mib(std::uint64_t n) { return n << 20; }

}  // namespace headroom::testing
