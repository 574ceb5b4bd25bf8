// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/kernel_log.h"

#include "headroom/core/strings.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

namespace headroom {
namespace {

constexpr std::size_t kMostBytes = std::size_t{8} << 20;
constexpr std::size_t kRecordSize = 8192;  // A shorter buffer makes the kernel refuse long records.

std::int64_t Milliseconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// The text behind the key, up to one of `ends`; empty without the key.
std::string_view Behind(std::string_view text, std::string_view key, std::string_view ends) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + key.size());
  return text.substr(0, text.find_first_of(ends));
}

std::int64_t NumberBehind(std::string_view text, std::string_view key) {
  return static_cast<std::int64_t>(LeadingNumber(Behind(text, key, " ,")).value_or(0));
}

// "Memory cgroup out of memory: Killed process 71 (yolo) total-vm:912kB, anon-rss:120kB, ...".
std::optional<KernelKill> ParseKill(std::string_view message) {
  constexpr std::string_view kKey = "Killed process ";
  const std::size_t at = message.find(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = message.substr(at + kKey.size());
  const std::size_t open = rest.find(" (");
  const std::size_t close = rest.find(") total-vm");
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return std::nullopt;
  KernelKill kill;
  kill.pid = static_cast<std::int64_t>(LeadingNumber(rest).value_or(0));
  kill.name = rest.substr(open + 2, close - open - 2);
  kill.anonymous =
      Bytes::KiB(LeadingNumber(Behind(rest.substr(close), "anon-rss:", "k")).value_or(0));
  return kill;
}

struct Record {
  std::int64_t microseconds = 0;
  std::string_view message;
};

// "3,1234,5678901,-;message"; lines that go on with a record begin with a blank.
std::optional<Record> ParseRecord(std::string_view line) {
  const std::size_t semicolon = line.find(';');
  if (line.empty() || line.front() == ' ' || semicolon == std::string_view::npos)
    return std::nullopt;
  const auto fields = Split(line.substr(0, semicolon), ',');
  if (fields.size() < 3) return std::nullopt;
  const auto time = LeadingNumber(fields[2]);
  if (!time) return std::nullopt;
  return Record{static_cast<std::int64_t>(*time), line.substr(semicolon + 1)};
}

}  // namespace

KernelLog ParseKernelLog(std::string_view text, std::int64_t boot_unix_ms) {
  KernelLog log;
  bool first = true;
  std::map<std::int64_t, std::string> groups;  // By pid, of the line that comes before a kill.
  for (const std::string_view line : Split(text, '\n')) {
    const std::optional<Record> record = ParseRecord(line);
    if (!record) continue;
    const std::int64_t unix_ms = boot_unix_ms + record->microseconds / 1000;
    if (std::exchange(first, false)) log.from_unix_ms = unix_ms;
    if (record->message.find("oom-kill:") != std::string_view::npos) {
      groups[NumberBehind(record->message, ",pid=")] = Behind(record->message, "task_memcg=", ",");
    } else if (std::optional<KernelKill> kill = ParseKill(record->message)) {
      kill->unix_ms = unix_ms;
      kill->group = groups[kill->pid];
      log.kills.push_back(std::move(*kill));
    }
  }
  return log;
}

std::optional<KernelLog> ReadKernelLog(const SystemRoot& root) {
  const int descriptor =
      ::open(root.At("/dev/kmsg").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) return std::nullopt;
  std::string text;
  char record[kRecordSize];
  while (text.size() < kMostBytes) {
    const ssize_t got = ::read(descriptor, record, sizeof record);
    // EPIPE: lines were overwritten while we read; the next read goes on behind them.
    if (got < 0 && (errno == EINTR || errno == EPIPE)) continue;
    if (got <= 0) break;
    text.append(record, static_cast<std::size_t>(got));
  }
  ::close(descriptor);
  if (text.empty()) return std::nullopt;
  return ParseKernelLog(text, Milliseconds(CLOCK_REALTIME) - Milliseconds(CLOCK_MONOTONIC));
}

}  // namespace headroom
