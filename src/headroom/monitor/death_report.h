// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/monitor/last_state.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

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
  bool has_checkpoint = false;  // The run's weights/last.pt is there.
};
[[nodiscard]] PresentSystem LookAtPresent(const RunIdentity& identity, const SystemRoot& root = {});

struct DeathReport {
  RunFate fate = RunFate::kRunning;
  // First what happened, then when, what was held by whom, the limit, what will be changed.
  std::vector<std::string> lines;
  // What `resume` plans within: cut by a kill for memory, this one or one before it; zero: no cut.
  Bytes cut_budget;

  [[nodiscard]] std::string Text() const;
};

// What a process holds on the host: the rows that its ledger names, and what of its anonymous
// memory none names. More than its anonymous memory where rows count pages of files, as libraries
// are.
[[nodiscard]] Bytes HeldBytes(const Ledger::Snapshot& ledger, Bytes rss_anon);

[[nodiscard]] RunFate DecideFate(const LastState& last, const PresentSystem& present);
// DeathReport::cut_budget alone.
[[nodiscard]] Bytes CutBudgetAfter(const LastState& last, RunFate fate);
[[nodiscard]] DeathReport ExplainDeath(const LastState& last, const PresentSystem& present);

// Pages of the runs below a project's folder (one level), newest first.
[[nodiscard]] std::vector<std::filesystem::path> FindLastStates(
    const std::filesystem::path& project);

}  // namespace headroom
