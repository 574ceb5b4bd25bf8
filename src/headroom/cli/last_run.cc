// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/last_run.h"

#include "headroom/core/error.h"
#include "headroom/core/log.h"
#include "headroom/monitor/run_liveness.h"

#include <fmt/format.h>

namespace headroom {
namespace {

namespace fs = std::filesystem;

// Where runs of these options lie.
fs::path ProjectFolder(const Options& options, const Settings& settings) {
  const fs::path base = settings.runs_dir / "detect";
  if (options.project.empty()) return base;
  const fs::path project = options.project;
  return project.is_absolute() ? project : base / project;
}

}  // namespace

fs::path FindPage(const fs::path& run, const Settings& settings, std::string_view command) {
  if (!run.empty()) {
    for (const fs::path& candidate : {run, run / kLastStateName}) {
      if (fs::is_regular_file(candidate)) return candidate;
    }
    if (!fs::exists(run)) throw ConfigError(fmt::format("there is no folder {}", run.string()));
    throw ConfigError(
        fmt::format("{} has no {}: it is no run of this program, or one that never "
                    "started. Name a run's folder, such as runs/detect/train",
                    run.string(), kLastStateName));
  }
  const std::vector<fs::path> pages = FindLastStates(settings.runs_dir / "detect");
  if (pages.empty()) {
    throw ConfigError(fmt::format("there is no run in {}; name one: {} FOLDER",
                                  (settings.runs_dir / "detect").string(), command));
  }
  return pages.front();
}

std::optional<DeathReport> ExplainLastRun(const Options& options, const Settings& settings,
                                          const fs::path& folder) {
  fs::path page = folder / kLastStateName;
  if (folder.empty()) {
    const std::vector<fs::path> pages = FindLastStates(ProjectFolder(options, settings));
    if (pages.empty()) return std::nullopt;
    page = pages.front();
  }
  const Result<LastState> last = ReadLastState(page);
  if (!last) return std::nullopt;
  DeathReport report = ExplainDeath(*last, LookAtPresent(last->identity));
  const bool ended_badly = report.fate == RunFate::kOomKilled || report.fate == RunFate::kKilled ||
                           report.fate == RunFate::kRebooted;
  if (!ended_badly) return std::nullopt;
  return report;
}

void AwaitEndOfRunIn(const fs::path& folder) {
  SteadyMonitorClock clock;
  AwaitEndOfRun(folder / kLastStateName, clock, [](const std::string& text) { LogWarning(text); });
}

std::optional<Bytes> FindCutBudget(const Options& options, const fs::path& folder) {
  const Result<LastState> last = ReadLastState(folder / kLastStateName);
  if (!last) return std::nullopt;
  const DeathReport report = ExplainDeath(*last, LookAtPresent(last->identity));
  const Bytes cut = report.lesson.cut_budget;
  const bool lifted = report.fate != RunFate::kOomKilled && options.IsTyped("memory");
  if (cut == Bytes() || lifted) return std::nullopt;
  return cut;
}

}  // namespace headroom
