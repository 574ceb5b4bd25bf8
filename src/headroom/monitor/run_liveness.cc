// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/run_liveness.h"

#include "headroom/core/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

constexpr double kSilenceSeconds = static_cast<double>(kSilenceMs) / 1000;

// For how long a page has not changed, by the clock of who watches it: those of two hosts differ.
class PageWatch {
 public:
  explicit PageWatch(MonitorClock& clock) : clock_(clock), start_(clock.Now()) {}

  void Look(const LastState& last, const PresentSystem& present) {
    if (watching_ && last.state.unix_ms == written_ms_) return;
    const auto age_ms = std::max<std::int64_t>(present.unix_ms - last.state.unix_ms, 0);
    // What is written while it is watched is new, whatever the time in it says.
    silent_since_ = clock_.Now() - (watching_ ? 0 : static_cast<double>(age_ms) / 1000);
    written_ms_ = last.state.unix_ms;
    watching_ = true;
  }
  [[nodiscard]] double Silent() { return clock_.Now() - silent_since_; }
  [[nodiscard]] double Watched() { return clock_.Now() - start_; }

 private:
  MonitorClock& clock_;
  const double start_;
  bool watching_ = false;
  std::int64_t written_ms_ = 0;
  double silent_since_ = 0;
};

[[noreturn]] void Refuse(const std::filesystem::path& page, const std::string& who,
                         const std::string& how_to_stop) {
  throw ConfigError(
      fmt::format("resume: the run {} is still going on: {}. Two trainers would write the same "
                  "last.pt and results.csv. Wait for its end, stop it ({}), or start a new run "
                  "without resume=True",
                  page.parent_path().string(), who, how_to_stop));
}

}  // namespace

RunLiveness FindLiveness(const LastState& last, const PresentSystem& present) {
  if (last.state.end != RunEnd::kNone) return RunLiveness::kOver;
  if (last.identity.boot_id == present.boot_id &&
      last.identity.pid_namespace == present.pid_namespace) {
    return present.start_ticks == last.identity.start_ticks ? RunLiveness::kAlive
                                                            : RunLiveness::kOver;
  }
  return present.unix_ms - last.state.unix_ms < kSilenceMs ? RunLiveness::kUnknown
                                                           : RunLiveness::kOver;
}

void AwaitEndOfRun(const std::filesystem::path& page, MonitorClock& clock,
                   const std::function<void(const std::string&)>& tell, const SystemRoot& root) {
  PageWatch watch(clock);
  for (int looks = 0;; ++looks) {
    const Result<LastState> last = ReadLastState(page);
    if (!last) return;
    const PresentSystem present = LookAtPresent(last->identity, root);
    const RunLiveness liveness = FindLiveness(*last, present);
    const RunIdentity& who = last->identity;
    if (liveness == RunLiveness::kOver) return;
    if (liveness == RunLiveness::kAlive) {
      Refuse(page, fmt::format("it is process {}", who.pid),
             fmt::format("kill -INT {} lets it save and end", who.pid));
    }
    watch.Look(*last, present);
    if (watch.Silent() >= kSilenceSeconds) return;
    const std::string unseen = fmt::format("process {} of host {}, which cannot be seen from here",
                                           who.pid, who.host_name);
    if (watch.Watched() >= kSilenceSeconds)
      Refuse(page, unseen + ", writes to it", "where it runs, with Ctrl-C or kill -INT");
    if (looks == 0) {
      tell(
          fmt::format("the run {} was written to a moment ago by {}: waiting up to {:.0f} s to see "
                      "whether it is over",
                      page.parent_path().string(), unseen, kSilenceSeconds));
    }
    static_cast<void>(clock.WaitUntil(clock.Now() + 1, {}));
  }
}

}  // namespace headroom
