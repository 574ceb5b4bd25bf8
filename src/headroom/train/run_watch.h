// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/mutex.h"
#include "headroom/memory/budget.h"
#include "headroom/monitor/last_state.h"
#include "headroom/monitor/resource_monitor.h"
#include "headroom/monitor/system_source.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace headroom {

// The watch over a run: samples once a second, gives memory back before the limit is met, writes
// memory.csv and the last-state page. Its acts are kept as lines for the trainer to print.
class RunWatch {
 public:
  // Begins at once. `command` is what to resume with. A page that cannot be written is said in a
  // message, and the run goes on without.
  // The budget is never cut below `least`.
  RunWatch(const std::filesystem::path& folder, const std::string& command, Bytes least,
           Budget& budget);
  ~RunWatch();
  RunWatch(const RunWatch&) = delete;
  RunWatch& operator=(const RunWatch&) = delete;

  // What the run does now; memory figures are the watch's own.
  void Update(const RunState& state) EXCLUDES(mutex_);
  // The same, and on the disk when it returns.
  void UpdateAndSync(const RunState& state) EXCLUDES(mutex_);
  // Acts since the last call, a line each.
  [[nodiscard]] std::vector<std::string> TakeLines() EXCLUDES(mutex_);
  [[nodiscard]] ResourceSample Latest() const { return monitor_->Latest(); }
  [[nodiscard]] ResourceSummary Summary() const { return monitor_->Summary(); }
  [[nodiscard]] std::string SummaryLine() const { return monitor_->SummaryLine(); }

 private:
  void OnAdvice(const PressureAdvice& advice) EXCLUDES(mutex_);
  void OnSample(const ResourceSample& sample) EXCLUDES(mutex_);

  const Bytes least_;
  Budget& budget_;
  SystemSource source_;
  SteadyMonitorClock clock_;
  std::unique_ptr<LastStateWriter> page_;
  Mutex mutex_;
  RunState state_ GUARDED_BY(mutex_);
  std::vector<std::string> lines_ GUARDED_BY(mutex_);
  std::vector<ResourceSample> recent_;        // The monitor's thread only.
  std::unique_ptr<ResourceMonitor> monitor_;  // Last: its thread uses all of the above.
};

}  // namespace headroom
