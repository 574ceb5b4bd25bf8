// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/death_report.h"

#include "headroom/core/strings.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace headroom {
namespace {

std::string KillLine(const std::string& run, const Verdict& verdict) {
  if (verdict.fate == RunFate::kOomKilled) {
    return fmt::format("{} was {}killed by the kernel for memory: {}.", run,
                       verdict.is_guess ? "probably " : "", verdict.evidence);
  }
  return fmt::format(
      "{} was killed, {} by the kernel for memory ({}): kill -9, a scheduler's limit, a user-space "
      "daemon such as systemd-oomd, or a crash.",
      run, verdict.is_guess ? "probably not" : "but not", verdict.evidence);
}

std::string Headline(const LastState& last, const Verdict& verdict) {
  const RunIdentity& who = last.identity;
  const std::string run = fmt::format("The run {} (pid {})", who.run_folder, who.pid);
  switch (verdict.fate) {
    case RunFate::kRunning:
      return fmt::format("{} is running.", run);
    case RunFate::kFinished:
      return fmt::format("{} ended normally.", run);
    case RunFate::kFailed:
      return fmt::format("{} ended with an error, exit code {}; its log says which.", run,
                         last.state.exit_code);
    case RunFate::kOomKilled:
    case RunFate::kKilled:
      return KillLine(run, verdict);
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

// Which phases every plan from now on leaves something free in, beside what the run's own left.
std::string UnplannedLine(const LastState& last, const KillLesson& lesson) {
  std::string text;
  for (std::size_t i = 0; i < kPlanPhaseCount; ++i) {
    const Bytes more = SaturatingSub(lesson.unplanned[i], last.state.lesson.unplanned[i]);
    if (more == Bytes()) continue;
    text += fmt::format("{}{} more than its plan for {}", text.empty() ? "It held " : ", ",
                        ToString(more), Name(static_cast<PlanPhase>(i)));
  }
  return text.empty() ? text : text + ": a resume leaves that free.";
}

// The budget of a resume after this kill: not below what the smallest settings need, with what is
// left free for what was not planned.
std::string BudgetAfter(const LastState& last, const KillLesson& lesson) {
  const RunState& state = last.state;
  Bytes more;
  for (std::size_t i = 0; i < kPlanPhaseCount; ++i)
    more = std::max(more, SaturatingSub(lesson.unplanned[i], state.lesson.unplanned[i]));
  const Bytes least = state.smallest == Bytes() ? Bytes() : state.smallest + more;
  if (least <= lesson.cut_budget) {
    return fmt::format("within {} instead of {}", ToString(lesson.cut_budget),
                       ToString(AllowedBytes(state)));
  }
  return fmt::format("within {} instead of {} (what the smallest settings need; {} was wanted)",
                     ToString(least), ToString(AllowedBytes(state)), ToString(lesson.cut_budget));
}

std::string WhatChanges(const LastState& last, const Verdict& verdict, const KillLesson& lesson,
                        bool has_checkpoint) {
  const char* from = has_checkpoint ? "goes on from the last checkpoint"
                                    : "begins again: no checkpoint had been saved yet";
  const char* guess =
      lesson.doubtful ? " The cut is for a guess: it ends when the resumed run has lived, or where "
                        "there is more memory."
                      : "";
  const bool cut_now = verdict.fate == RunFate::kOomKilled && last.state.budget > Bytes() &&
                       lesson.cut_budget > Bytes();
  if (cut_now)
    return fmt::format("resume=True plans again {} and {}.{}", BudgetAfter(last, lesson), from,
                       guess);
  if (lesson.cut_budget > Bytes()) {
    return fmt::format(
        "resume=True {}, within the {} that an earlier kill for memory has left (memory= sets "
        "another budget).{}",
        from, ToString(lesson.cut_budget), guess);
  }
  return fmt::format("resume=True {}{}.", from, has_checkpoint ? " with the same budget" : "");
}

}  // namespace

std::string DeathReport::Text() const { return Join(lines, "\n"); }

DeathReport ExplainDeath(const LastState& last, const PresentSystem& present) {
  DeathReport report;
  const Verdict verdict = Judge(last, present);
  report.fate = verdict.fate;
  report.lesson = LessonAfter(last, verdict, present.limit);
  report.lines.push_back(Headline(last, verdict));
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
  if (std::string line = UnplannedLine(last, report.lesson); !line.empty())
    report.lines.push_back(std::move(line));
  report.lines.push_back(WhatChanges(last, verdict, report.lesson, present.has_checkpoint));
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
