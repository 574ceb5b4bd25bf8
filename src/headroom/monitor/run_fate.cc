// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/run_fate.h"

#include "headroom/monitor/cgroup.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/monitor/host_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace headroom {
namespace {

// Enough where a kill for memory was counted, too: of a container that was started again at once.
constexpr std::int64_t kSilenceAfterKillMs = 5'000;
// How far the clock of the kernel's log may be off.
constexpr std::int64_t kLogDriftMs = 60'000;
// Of the outermost pid namespace (proc_ns.h): pids in it are the kernel's own.
constexpr std::string_view kFirstPidNamespace = "pid:[4026531836]";
// A run whose limit was nearer than this part of it may have met it within the second after; what
// is given back by then, or taken, is what a budget of 80 % leaves and a little more.
constexpr double kNear = 0.25;
constexpr double kSecondsUnseen = 3;
constexpr double kMuchPressure = 10;

bool Rose(const std::optional<std::uint64_t>& before, const std::optional<std::uint64_t>& now) {
  return before && now && *now > *before;
}

// Since the page was written last, or, where it does not say, since the run began.
bool GroupRose(const LastState& last, const PresentSystem& present) {
  const auto& seen = last.state.group_oom_kills;
  return Rose(seen ? seen : last.identity.group_oom_kills, present.group_oom_kills);
}

bool HostRose(const LastState& last, const PresentSystem& present) {
  const auto& seen = last.state.host_oom_kills;
  return Rose(seen ? seen : last.identity.host_oom_kills, present.host_oom_kills);
}

enum class LogSays : std::uint8_t { kNothing, kOurs, kMaybeOurs, kNotOurs };

bool IsOurProgram(std::string_view name) { return name == "yolo" || name == "headroom"; }

bool InOurGroup(const KernelKill& kill, const RunIdentity& who) {
  return kill.group.size() > 1 && who.cgroup.ends_with(kill.group);
}

// A pid says who it was only in the outermost namespace; elsewhere the name or the group and the
// time have to do.
LogSays AskLog(const LastState& last, const std::optional<KernelLog>& log, Bytes* anonymous) {
  if (!log) return LogSays::kNothing;
  const RunIdentity& who = last.identity;
  const std::int64_t seen = std::max(last.state.unix_ms, who.start_unix_s * 1000);
  const bool pids_are_kernels = who.pid_namespace == kFirstPidNamespace;
  LogSays says = LogSays::kNothing;
  for (const KernelKill& kill : log->kills) {
    if (kill.unix_ms < seen - kLogDriftMs) continue;
    const bool at_that_time = kill.unix_ms < seen + kLogDriftMs;
    if (pids_are_kernels ? kill.pid == who.pid
                         : at_that_time && InOurGroup(kill, who) && IsOurProgram(kill.name)) {
      *anonymous = kill.anonymous;
      return LogSays::kOurs;
    }
    if (!pids_are_kernels && at_that_time && (InOurGroup(kill, who) || IsOurProgram(kill.name)))
      says = LogSays::kMaybeOurs;
  }
  if (says == LogSays::kMaybeOurs) return says;
  return log->from_unix_ms < seen - kLogDriftMs ? LogSays::kNotOurs : LogSays::kNothing;
}

// Why the run itself may have been the one that was killed; empty when nothing speaks for it.
std::string Suspicion(const RunState& state) {
  if (state.limit == Bytes() || state.limit == Bytes::Max())
    return "it had not looked at its limit yet";
  const Bytes room = SaturatingSub(state.limit, state.rss_anon);
  if (room < Scale(state.limit, kNear))
    return fmt::format("only {} of its limit of {} was left when it was last seen", ToString(room),
                       ToString(state.limit));
  if (state.limit_falls_per_s * kSecondsUnseen > static_cast<double>(room.count()))
    return fmt::format("{} was left when it was last seen, and others took it", ToString(room));
  if (state.pressure_some > kMuchPressure)
    return fmt::format("its tasks waited for memory {:.0f} % of the last 10 s",
                       state.pressure_some);
  if (state.lesson.kills > 0) return "the run before it ended in the same way";
  return {};
}

// Of the host's count alone.
Verdict Weigh(const LastState& last) {
  Verdict verdict{.is_guess = true, .kill_counted = true};
  const std::string why = Suspicion(last.state);
  verdict.fate = why.empty() ? RunFate::kKilled : RunFate::kOomKilled;
  if (!why.empty()) {
    verdict.evidence = "the kernel has killed somebody on this host for memory since, and " + why;
    return verdict;
  }
  verdict.evidence = fmt::format(
      "the kernel has killed somebody on this host for memory since, but {} of its limit of {} was "
      "free when it was last seen",
      ToString(SaturatingSub(last.state.limit, last.state.rss_anon)), ToString(last.state.limit));
  return verdict;
}

// Of a process that is gone, in this boot.
Verdict JudgeKill(const LastState& last, const PresentSystem& present) {
  Verdict verdict;
  const LogSays log = AskLog(last, present.kernel_log, &verdict.held_at_death);
  verdict.kill_counted = present.group_oom_kills && log != LogSays::kOurs ? GroupRose(last, present)
                                                                          : HostRose(last, present);
  if (log == LogSays::kOurs) {
    verdict.fate = RunFate::kOomKilled;
    verdict.kill_counted = true;
    verdict.evidence = fmt::format("its log says so, and that it held {} of anonymous memory",
                                   ToString(verdict.held_at_death));
    return verdict;
  }
  if (log == LogSays::kNotOurs || !verdict.kill_counted) {
    verdict.fate = RunFate::kKilled;
    verdict.evidence = verdict.kill_counted ? "its log names others" : "no oom_kill was counted";
    return verdict;
  }
  if (present.group_oom_kills) {
    verdict.fate = RunFate::kOomKilled;
    verdict.evidence = fmt::format("the oom_kill count of {} has risen", last.identity.cgroup);
    return verdict;
  }
  if (log == LogSays::kMaybeOurs) {
    verdict.fate = RunFate::kOomKilled;
    verdict.is_guess = true;
    verdict.evidence = "its log has such a kill of that time, in another container's numbers";
    return verdict;
  }
  return Weigh(last);
}

}  // namespace

std::string_view Name(RunFate fate) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "running", "finished", "failed", "killed for memory", "killed", "rebooted", "elsewhere"};
  return kNames[static_cast<std::size_t>(fate)];
}

PresentSystem LookAtPresent(const RunIdentity& identity, const SystemRoot& root) {
  const RunIdentity here = IdentifyThisProcess(root);
  PresentSystem present;
  present.boot_id = here.boot_id;
  present.host_name = here.host_name;
  present.pid_namespace = here.pid_namespace;
  present.unix_ms = UnixMilliseconds();
  std::array<char, kPollBufferSize> buffer;
  const std::string pid = std::to_string(identity.pid);
  // A zombie has ended: it only waits to be noticed by its parent.
  const PolledFile status(root.At(fmt::format("/proc/{}/status", pid)));
  const std::string_view text = status.Read(buffer);
  if (!text.empty() && text.find("\nState:\tZ") == std::string_view::npos) {
    present.start_ticks = HostMemoryReader(root, pid).ReadProcess().start_ticks;
  }
  if (!identity.cgroup.empty()) {
    const CgroupVersion version = identity.cgroup_v2 ? CgroupVersion::kV2 : CgroupVersion::kV1;
    const std::filesystem::path folder = root.At(identity.cgroup);
    if (IdentifyCgroup(folder) == identity.cgroup_identity) {
      present.group_oom_kills = CgroupMemory({version, identity.cgroup, folder}).OomKills(buffer);
    }
  }
  present.host_oom_kills = here.host_oom_kills;
  if (here.boot_id == identity.boot_id && present.start_ticks != identity.start_ticks)
    present.kernel_log = ReadKernelLog(root);
  present.limit = FindEffectiveLimit(root).smallest.bytes;
  std::error_code absent;
  present.has_checkpoint = std::filesystem::exists(
      std::filesystem::path(identity.run_folder) / "weights" / "last.pt", absent);
  return present;
}

Verdict Judge(const LastState& last, const PresentSystem& present) {
  if (last.state.end == RunEnd::kFinished) return {.fate = RunFate::kFinished};
  if (last.state.end == RunEnd::kFailed) return {.fate = RunFate::kFailed};
  const std::int64_t silent_ms = present.unix_ms - last.state.unix_ms;
  if (last.identity.boot_id != present.boot_id) {
    if (last.identity.host_name == present.host_name) return {.fate = RunFate::kRebooted};
    return {.fate = silent_ms < kSilenceMs ? RunFate::kRunning : RunFate::kElsewhere};
  }
  const bool same_pids = last.identity.pid_namespace == present.pid_namespace;
  if (same_pids && present.start_ticks == last.identity.start_ticks)
    return {.fate = RunFate::kRunning};
  Verdict verdict = JudgeKill(last, present);
  // Of a process that cannot be seen its page says whether it lives. The host's count alone may be
  // of somebody else's kill: a page that is still written is believed before it.
  if (!same_pids && silent_ms < (verdict.kill_counted ? kSilenceAfterKillMs : kSilenceMs))
    return {.fate = RunFate::kRunning};
  if (!same_pids && verdict.fate == RunFate::kKilled) verdict.fate = RunFate::kElsewhere;
  return verdict;
}

RunFate DecideFate(const LastState& last, const PresentSystem& present) {
  return Judge(last, present).fate;
}

Bytes NamedBytes(const Ledger::Snapshot& ledger) {
  Bytes named;
  for (const Ledger::Row& row : ledger.rows[static_cast<std::size_t>(MemoryPlace::kHost)])
    named += row.now;
  return named;
}

Bytes HeldBytes(const Ledger::Snapshot& ledger, Bytes rss_anon) {
  return std::max(NamedBytes(ledger), rss_anon);
}

}  // namespace headroom
