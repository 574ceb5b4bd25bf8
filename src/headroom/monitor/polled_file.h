// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace headroom {

// Where the kernel's files are looked for: "/" in earnest, a folder with a made-up /proc and /sys
// in tests. Paths are given as the system has them.
struct SystemRoot {
  std::filesystem::path prefix = "/";
  [[nodiscard]] std::filesystem::path At(std::string_view system_path) const;
};

// A file of /proc or /sys that is read again and again through one descriptor: no path walk and no
// allocation per reading. Absent files are no error: they read as nothing.
class PolledFile {
 public:
  PolledFile() = default;
  explicit PolledFile(const std::filesystem::path& path);
  ~PolledFile();
  PolledFile(PolledFile&& other) noexcept;
  PolledFile& operator=(PolledFile&& other) noexcept;
  PolledFile(const PolledFile&) = delete;
  PolledFile& operator=(const PolledFile&) = delete;

  [[nodiscard]] bool exists() const { return descriptor_ >= 0; }
  // The content from its start, as far as it fits into the buffer; empty on any error.
  [[nodiscard]] std::string_view Read(std::span<char> buffer) const;

 private:
  int descriptor_ = -1;
};

// Enough for /proc/self/status, memory.stat and /proc/meminfo of current kernels.
inline constexpr std::size_t kPollBufferSize = 8192;

// The number after the key at the start of a line: "MemFree:   12 kB" or "oom_kill 3" with the keys
// "MemFree:" and "oom_kill". A 'kB' behind it multiplies by 1024.
[[nodiscard]] std::optional<std::uint64_t> FindNumber(std::string_view text, std::string_view key);
// The leading number; nullopt when there is none ("max").
[[nodiscard]] std::optional<std::uint64_t> LeadingNumber(std::string_view text);

}  // namespace headroom
