// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/monitor/kernel_log.h"
#include "headroom/monitor/last_state.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headroom {

enum class RunFate : std::uint8_t {
  kRunning,
  kFinished,   // Said so itself.
  kFailed,     // Ended with an error that it reported.
  kOomKilled,  // By the kernel, for memory.
  kKilled,     // Otherwise: kill -9, a scheduler's time limit, a user-space OOM daemon, a crash.
  kRebooted,   // Power cut or reboot.
  kElsewhere,  // On another host, or in a container whose processes are not visible here.
};
[[nodiscard]] std::string_view Name(RunFate fate);

// A page of a living run is written once a second; this long without is silence.
inline constexpr std::int64_t kSilenceMs = 30'000;

// What is to be known of the present to explain a page.
struct PresentSystem {
  std::string boot_id;
  std::string host_name;
  std::string pid_namespace;
  std::int64_t unix_ms = 0;
  std::optional<std::uint64_t> start_ticks;  // Of the process that has the page's pid now.
  // Of the page's group; nullopt when that is gone, also where a new one has its path.
  std::optional<std::uint64_t> group_oom_kills;
  std::optional<std::uint64_t> host_oom_kills;
  std::optional<KernelLog> kernel_log;  // Where it can be read, and the process is gone.
  Bytes limit;                          // Of this process: what a resume could hold here.
  bool has_checkpoint = false;          // The run's weights/last.pt is there.
};
[[nodiscard]] PresentSystem LookAtPresent(const RunIdentity& identity, const SystemRoot& root = {});

// How a run ended, how sure that is, and why.
struct Verdict {
  RunFate fate = RunFate::kRunning;
  // kOomKilled or kKilled, but only likely so: a kill for memory was counted on the host, and
  // whose it was could not be seen.
  bool is_guess = false;
  bool kill_counted = false;  // Somebody was killed for memory since the page was written.
  std::string evidence;       // Of a kill: "the oom_kill count of /sys/fs/cgroup/job has risen".
  Bytes held_at_death;        // Anonymous, as the kernel's log says; zero: not known.
};

// The kernel's log decides where it can be read and names the process; then the run's own group's
// count, while that is there; then the host's count, weighed with the run's last sample: whether
// its limit was near, others took, or tasks waited for memory.
[[nodiscard]] Verdict Judge(const LastState& last, const PresentSystem& present);
[[nodiscard]] RunFate DecideFate(const LastState& last, const PresentSystem& present);

// What a process holds on the host: the rows that its ledger names, and what of its anonymous
// memory none names. More than its anonymous memory where rows count pages of files, as libraries
// are.
[[nodiscard]] Bytes HeldBytes(const Ledger::Snapshot& ledger, Bytes rss_anon);
// The sum of the rows. The ledger's own total is read a moment after them.
[[nodiscard]] Bytes NamedBytes(const Ledger::Snapshot& ledger);

// What the run was allowed when it ended: its budget, or the peak of the plan in force where the
// watch had lowered the budget and the run had not followed yet.
[[nodiscard]] Bytes AllowedBytes(const RunState& state);

// What the runs that go on after such an end plan with. A kill for memory cuts the budget to 80 %
// of what was held, or of what was allowed where that is less, and what was held beyond the plan of
// its phase is left free by every plan to come; where a run dies again before it has lived, and
// what it held is not known, all of its limit is taken to have been held. A guess cuts in the same
// way, and is dropped where the limit is larger by a tenth than the killed run's was.
[[nodiscard]] KillLesson LessonAfter(const LastState& last, const Verdict& verdict,
                                     Bytes limit_now);

}  // namespace headroom
