// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/mutex.h"
#include "headroom/memory/budget.h"
#include "headroom/monitor/last_state.h"
#include "headroom/monitor/resource_monitor.h"
#include "headroom/monitor/system_source.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace headroom {

// The watch over a run: samples once a second, gives memory back before the limit is met, writes
// memory.csv and the last-state page. Its acts are kept as lines for the trainer to print.
class RunWatch {
 public:
  // Begins at once; the budget stays as it is until KeepAbove. `command` is what to resume with. A
  // page that cannot be written is said in a message, and the run goes on without. What the
  // folder's page has learned from kills is in the new one, too. `gpu`: the driver's view of the
  // device that trains, where it is one of NVIDIA's; else null.
  RunWatch(const std::filesystem::path& folder, const std::string& command, Budget& budget,
           std::unique_ptr<GpuMemory> gpu = nullptr, int device = 0);
  ~RunWatch();
  RunWatch(const RunWatch&) = delete;
  RunWatch& operator=(const RunWatch&) = delete;

  // What kills before this run have taught; a resume leaves its unplanned bytes free.
  [[nodiscard]] KillLesson Lesson() EXCLUDES(mutex_);
  // From now on the budget follows the limit: up to what it is now, not below `least`, the peak of
  // the smallest plan, and above the peak of the plan, silently. A budget that is neither lowered
  // by now nor within the cut of the page before shows that the cut is not this run's.
  void KeepAbove(Bytes least, const PhaseBytes& planned) EXCLUDES(mutex_);
  // What a running step or validation cannot go below, its loader being as it was made: the watch
  // cuts the budget no further until CutToWanted.
  void KeepStepAbove(Bytes least) { step_least_ = least.count(); }
  // Between two steps: the rest of a cut that a running step could not have followed, down to the
  // smallest plan. A line when there is one.
  void CutToWanted() EXCLUDES(mutex_);
  // True once after a cut that the holders could not answer at once: what the step of now holds is
  // needed before it ends. From the training thread; a load where nothing is urgent.
  [[nodiscard]] bool TakeUrgency() {
    return urgent_.load(std::memory_order_relaxed) && urgent_.exchange(false);
  }
  // The samples end here, and memory.csv is complete; the page can still be written.
  void StopSampling() { monitor_->Stop(); }
  // The process's own peak up to now, which the last sample may not have seen.
  void CountPeak();
  // What the run does now; memory figures are the watch's own. A run that has ended an epoch, or
  // has run for longer than the killed one and did not give way, has lived: what was cut for a
  // guess is given again, and the kills before it no longer count.
  void Update(const RunState& state) EXCLUDES(mutex_);
  // The same, and on the disk when it returns.
  void UpdateAndSync(const RunState& state) EXCLUDES(mutex_);
  // How the run ended, on the disk when it returns; later updates do not change it.
  void End(RunEnd end, int exit_code) EXCLUDES(mutex_);
  // Acts since the last call, a line each.
  [[nodiscard]] std::vector<std::string> TakeLines() EXCLUDES(mutex_);
  // By holders, on the watch's advice, all together.
  [[nodiscard]] Bytes GivenBack() EXCLUDES(mutex_);
  [[nodiscard]] ResourceSample Latest() const { return monitor_->Latest(); }
  [[nodiscard]] ResourceSummary Summary() const { return monitor_->Summary(); }
  [[nodiscard]] std::string SummaryLine() const { return monitor_->SummaryLine(); }

 private:
  void OnAdvice(const PressureAdvice& advice) EXCLUDES(mutex_);
  void OnSample(const ResourceSample& sample) EXCLUDES(mutex_);
  [[nodiscard]] RunState State() EXCLUDES(mutex_);
  void Merge(const RunState& state) EXCLUDES(mutex_);
  void ForgetWhenLived() REQUIRES(mutex_);
  void WritePage() EXCLUDES(mutex_);

  std::atomic<std::uint64_t> least_ = UINT64_MAX;
  std::atomic<std::uint64_t> step_least_ = 0;
  std::atomic<std::uint64_t> wanted_ = UINT64_MAX;  // Below step_least_; else nothing is wanted.
  std::atomic<std::uint64_t> planned_ = UINT64_MAX;
  std::atomic<bool> urgent_ = false;
  Budget& budget_;
  const Bytes first_limit_ = budget_.limit();
  const std::string first_origin_ = budget_.origin();
  SystemSource source_;
  SteadyMonitorClock clock_;
  std::unique_ptr<LastStateWriter> page_;
  // Held for a moment only: never while the page is written, which may wait for the disk.
  Mutex mutex_;
  Bytes original_ GUARDED_BY(mutex_);      // The budget that was planned within,
  std::string origin_ GUARDED_BY(mutex_);  // and where it came from.
  RunState state_ GUARDED_BY(mutex_);
  std::int32_t first_epoch_ GUARDED_BY(mutex_) = 0;  // 0: none was begun yet.
  std::int64_t lives_at_ms_ GUARDED_BY(mutex_) = INT64_MAX;
  bool gave_way_ GUARDED_BY(mutex_) = false;
  Bytes given_back_ GUARDED_BY(mutex_);
  std::vector<std::string> lines_ GUARDED_BY(mutex_);
  std::vector<ResourceSample> recent_;        // The monitor's thread only.
  std::unique_ptr<ResourceMonitor> monitor_;  // Last: its thread uses all of the above.
};

}  // namespace headroom
