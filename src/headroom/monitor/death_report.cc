// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/death_report.h"

#include "headroom/core/file.h"
#include "headroom/core/strings.h"
#include "headroom/monitor/cgroup.h"
#include "headroom/monitor/host_memory.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace headroom {
namespace {

// Enough where a kill for memory was counted, too: of a container that was started again at once.
constexpr std::int64_t kSilenceAfterKillMs = 5'000;
// A memory kill says that the plan or the limit was wrong by an unknown amount.
constexpr double kAfterKill = 0.8;

bool Rose(const std::optional<std::uint64_t>& before, const std::optional<std::uint64_t>& now) {
  return before && now && *now > *before;
}

// The group's own count is the better witness. Once it is gone the host's is the only one: a new
// group with its path, as a container has that was started again, counts from zero.
bool MemoryKillCounted(const RunIdentity& who, const PresentSystem& present) {
  return present.group_oom_kills ? Rose(who.group_oom_kills, present.group_oom_kills)
                                 : Rose(who.host_oom_kills, present.host_oom_kills);
}

std::string Headline(const LastState& last, RunFate fate, bool group_counted) {
  const RunIdentity& who = last.identity;
  const std::string run = fmt::format("The run {} (pid {})", who.run_folder, who.pid);
  switch (fate) {
    case RunFate::kRunning:
      return fmt::format("{} is running.", run);
    case RunFate::kFinished:
      return fmt::format("{} ended normally.", run);
    case RunFate::kFailed:
      return fmt::format("{} ended with an error, exit code {}; its log says which.", run,
                         last.state.exit_code);
    case RunFate::kOomKilled:
      return group_counted ? fmt::format(
                                 "{} was killed by the kernel for memory: the oom_kill count of {} "
                                 "has risen since "
                                 "it began.",
                                 run, who.cgroup)
                           : fmt::format(
                                 "{} was most likely killed by the kernel for memory: its cgroup "
                                 "is gone, and the "
                                 "host's oom_kill count has risen since it began.",
                                 run);
    case RunFate::kKilled:
      return fmt::format(
          "{} was killed, but not by the kernel for memory (no oom_kill was counted): kill -9, a "
          "scheduler's limit, a user-space daemon such as systemd-oomd, or a crash.",
          run);
    case RunFate::kRebooted:
      return fmt::format("{} ended when the machine lost power or was restarted.", run);
    case RunFate::kElsewhere:
      return fmt::format(
          "{} belongs to host {}, or to a container whose processes cannot be seen from here.", run,
          who.host_name);
  }
  return run;
}

std::string Where(const RunState& state) {
  std::string text = fmt::format("Last seen {:%Y-%m-%d %H:%M:%S} UTC in {}",
                                 fmt::gmtime(state.unix_ms / 1000), Name(state.phase));
  if (state.epoch > 0)
    text += fmt::format(", epoch {}/{}, batch {}/{}", state.epoch, state.epochs, state.batch,
                        state.batches);
  if (state.batch_size > 0) {
    text += fmt::format("; batch={} as micro-batches of {}, imgsz={}, workers={}", state.batch_size,
                        state.micro_batch, state.imgsz, state.workers);
  }
  return text + ".";
}

// The sum of the rows. The ledger's own total is read a moment after them.
Bytes NamedBytes(const Ledger::Snapshot& ledger) {
  Bytes named;
  for (const Ledger::Row& row : ledger.rows[static_cast<std::size_t>(MemoryPlace::kHost)])
    named += row.now;
  return named;
}

std::string Holders(const RunState& state) {
  std::vector<std::pair<Bytes, std::string_view>> rows;
  for (std::size_t i = 0; i < kMemoryTagCount; ++i) {
    const auto tag = static_cast<MemoryTag>(i);
    if (const Bytes now = state.ledger.row(tag).now; now > Bytes())
      rows.emplace_back(now, Name(tag));
  }
  const Bytes held = HeldBytes(state.ledger, state.rss_anon);
  const Bytes unaccounted = held - NamedBytes(state.ledger);
  if (unaccounted > Bytes()) rows.emplace_back(unaccounted, "unaccounted");
  std::sort(rows.rbegin(), rows.rend());
  std::string text = fmt::format("It held {} ({} resident, peak {})", ToString(held),
                                 ToString(state.rss), ToString(state.high_water));
  const char* separator = ": ";
  for (const auto& [bytes, name] : rows) {
    text += fmt::format("{}{} {}", std::exchange(separator, ", "), name, ToString(bytes));
  }
  return text + ".";
}

std::string LimitLine(const RunState& state) {
  std::string text = fmt::format("Its budget was {}; the limit was {}", ToString(state.budget),
                                 ToString(state.limit));
  if (!state.limit_origin.empty()) text += fmt::format(" ({})", state.limit_origin);
  if (state.limit_falls_per_s > 1e6) {
    text += fmt::format("; others took {} a second",
                        ToString(Bytes(static_cast<std::uint64_t>(state.limit_falls_per_s))));
  }
  if (state.pressure_some > 1)
    text += fmt::format("; memory pressure was {:.0f} %", state.pressure_some);
  return text + ".";
}

std::string WhatChanges(const LastState& last, RunFate fate, Bytes cut, bool has_checkpoint) {
  const char* from = has_checkpoint ? "goes on from the last checkpoint"
                                    : "begins again: no checkpoint had been saved yet";
  if (fate == RunFate::kOomKilled && last.state.budget > Bytes()) {
    return fmt::format("resume=True plans again within {} instead of {} and {}.", ToString(cut),
                       ToString(last.state.budget), from);
  }
  if (cut > Bytes()) {
    return fmt::format(
        "resume=True {}, within the {} that an earlier kill for memory has left (memory= sets "
        "another budget).",
        from, ToString(cut));
  }
  return fmt::format("resume=True {}{}.", from, has_checkpoint ? " with the same budget" : "");
}

}  // namespace

std::string_view Name(RunFate fate) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "running", "finished", "failed", "killed for memory", "killed", "rebooted", "elsewhere"};
  return kNames[static_cast<std::size_t>(fate)];
}

Bytes HeldBytes(const Ledger::Snapshot& ledger, Bytes rss_anon) {
  return std::max(NamedBytes(ledger), rss_anon);
}

std::string DeathReport::Text() const { return Join(lines, "\n"); }

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
  std::error_code absent;
  present.has_checkpoint = std::filesystem::exists(
      std::filesystem::path(identity.run_folder) / "weights" / "last.pt", absent);
  return present;
}

RunFate DecideFate(const LastState& last, const PresentSystem& present) {
  if (last.state.end == RunEnd::kFinished) return RunFate::kFinished;
  if (last.state.end == RunEnd::kFailed) return RunFate::kFailed;
  const std::int64_t silent_ms = present.unix_ms - last.state.unix_ms;
  if (last.identity.boot_id != present.boot_id) {
    if (last.identity.host_name == present.host_name) return RunFate::kRebooted;
    return silent_ms < kSilenceMs ? RunFate::kRunning : RunFate::kElsewhere;
  }
  const bool same_pids = last.identity.pid_namespace == present.pid_namespace;
  if (same_pids && present.start_ticks == last.identity.start_ticks) return RunFate::kRunning;
  const bool counted = MemoryKillCounted(last.identity, present);
  // Of a process that cannot be seen its page says whether it lives. The host's count alone may be
  // of somebody else's kill: a page that is still written is believed before it.
  if (!same_pids && silent_ms < (counted ? kSilenceAfterKillMs : kSilenceMs))
    return RunFate::kRunning;
  if (counted) return RunFate::kOomKilled;
  return same_pids ? RunFate::kKilled : RunFate::kElsewhere;
}

Bytes CutBudgetAfter(const LastState& last, RunFate fate) {
  const Bytes earlier = last.state.cut_budget;
  if (fate != RunFate::kOomKilled || last.state.budget == Bytes()) return earlier;
  const Bytes held = std::max(last.state.rss_anon, last.state.ledger.total().now);
  // What it held was too much, and so was what the budget allowed.
  const Bytes most = held > Bytes() && held < last.state.budget ? held : last.state.budget;
  const Bytes cut = Scale(most, kAfterKill);
  return earlier > Bytes() ? std::min(earlier, cut) : cut;
}

DeathReport ExplainDeath(const LastState& last, const PresentSystem& present) {
  DeathReport report;
  report.fate = DecideFate(last, present);
  report.cut_budget = CutBudgetAfter(last, report.fate);
  const bool group_counted = Rose(last.identity.group_oom_kills, present.group_oom_kills);
  report.lines.push_back(Headline(last, report.fate, group_counted));
  if (report.fate == RunFate::kFinished) return report;
  if (last.state.unix_ms == 0) {
    report.lines.emplace_back("It ended before it had written anything about itself.");
  } else {
    report.lines.push_back(Where(last.state));
    report.lines.push_back(Holders(last.state));
    report.lines.push_back(LimitLine(last.state));
  }
  if (!last.state.note.empty()) report.lines.push_back("Its last note: " + last.state.note);
  if (report.fate == RunFate::kRunning) return report;
  report.lines.push_back(WhatChanges(last, report.fate, report.cut_budget, present.has_checkpoint));
  if (!last.identity.command.empty()) report.lines.push_back("  " + last.identity.command);
  return report;
}

std::vector<std::filesystem::path> FindLastStates(const std::filesystem::path& project) {
  std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> found;
  std::error_code error;
  for (std::filesystem::directory_iterator it(project, error), end; !error && it != end;
       it.increment(error)) {
    const std::filesystem::path page = it->path() / kLastStateName;
    std::error_code absent;
    const auto time = std::filesystem::last_write_time(page, absent);
    if (!absent) found.emplace_back(time, page);
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<std::filesystem::path> pages;
  for (auto& [time, page] : found) pages.push_back(std::move(page));
  return pages;
}

}  // namespace headroom
