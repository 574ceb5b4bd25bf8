// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/polled_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>

namespace headroom {

std::filesystem::path SystemRoot::At(std::string_view system_path) const {
  while (system_path.starts_with('/')) system_path.remove_prefix(1);
  return prefix / system_path;
}

PolledFile::PolledFile(const std::filesystem::path& path)
    : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}

PolledFile::~PolledFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

PolledFile::PolledFile(PolledFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

PolledFile& PolledFile::operator=(PolledFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

std::string_view PolledFile::Read(std::span<char> buffer) const {
  if (descriptor_ < 0) return {};
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t got =
        ::pread(descriptor_, buffer.data() + done, buffer.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {};
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return {buffer.data(), done};
}

std::optional<std::uint64_t> LeadingNumber(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + start, text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> FindNumber(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    // "oom" must not match "oom_kill 3".
    if (line.empty() || (line[0] != ' ' && line[0] != '\t')) continue;
    const auto value = LeadingNumber(line);
    return value && line.ends_with("kB") ? std::optional(*value * 1024) : value;
  }
  return std::nullopt;
}

}  // namespace headroom
