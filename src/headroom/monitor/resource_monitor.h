// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/core/mutex.h"
#include "headroom/monitor/memory_csv.h"
#include "headroom/monitor/pressure_policy.h"
#include "headroom/monitor/resource_sample.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace headroom {

// Where samples come from; seconds are filled in by the monitor. Called from the monitor's thread.
class ResourceSource {
 public:
  virtual ~ResourceSource() = default;
  virtual ResourceSample Sample() = 0;
  // The limit of the last sample in words.
  [[nodiscard]] virtual std::string DescribeLimit() const = 0;
};

// Time that a test can hold in its hand.
class MonitorClock {
 public:
  virtual ~MonitorClock() = default;
  [[nodiscard]] virtual double Now() = 0;
  // False when stop was asked for, at once.
  virtual bool WaitUntil(double seconds, std::stop_token stop) = 0;
};

class SteadyMonitorClock final : public MonitorClock {
 public:
  [[nodiscard]] double Now() override;
  bool WaitUntil(double seconds, std::stop_token stop) override;

 private:
  Mutex mutex_;
  CondVar wake_;
};

struct ResourceMonitorOptions {
  double period_s = 1;
  std::size_t ring = 64;        // Samples kept; the policy looks back 30 s.
  Bytes budget = Bytes::Max();  // The plan's, for the policy.
  PressurePolicy policy;
  std::filesystem::path csv;  // Empty: no file.
};

struct ResourceSummary {
  std::uint64_t samples = 0;  // Regular ones.
  double seconds = 0;
  Bytes peak_rss;  // The process's high-water mark, nothing between two samples is missed.
  Bytes peak_anon;
  Bytes peak_unaccounted;
  Bytes least_room = Bytes::Max();
  Bytes peak_gpu;
  double worst_pressure = 0;
  int give_backs = 0;
  double monitor_cpu_seconds = 0;  // Its own,
  double process_cpu_seconds = 0;  // and the whole process's since the first sample.

  // Of the process's CPU time: what watching costs.
  [[nodiscard]] double MonitorShare() const {
    return process_cpu_seconds > 0 ? monitor_cpu_seconds / process_cpu_seconds : 0;
  }
};

// Samples once a second on a thread of its own: ring, memory.csv, and advice when the limit will be
// met (pressure_policy.h). After a sudden fall it looks again at once, as long as it goes on; what
// it sees then gives advice, but no row and no callback. Both callbacks run on that thread and must
// be quick; advice comes before the sample, and memory.csv, which may wait for the disk, last. An
// exception of theirs or of the source ends the watch and is logged, not the run. The source and
// the clock must outlive it. Thread-safe for readers.
class ResourceMonitor {
 public:
  using OnAdvice = std::function<void(const PressureAdvice&, const ResourceSample&)>;
  using OnSample = std::function<void(const ResourceSample&)>;
  // Starts at once; the first sample is taken without waiting.
  ResourceMonitor(const ResourceMonitorOptions& options, ResourceSource& source,
                  MonitorClock& clock, OnAdvice on_advice, OnSample on_sample = nullptr);
  // Stops, takes a last sample and writes what is left of the file.
  ~ResourceMonitor();
  ResourceMonitor(const ResourceMonitor&) = delete;
  ResourceMonitor& operator=(const ResourceMonitor&) = delete;

  // Ends the watch as the destructor does; what it saw stays readable.
  void Stop();
  // What the policy may grow the budget back to, instead of the options'.
  void SetBudget(Bytes budget) { budget_ = budget.count(); }
  [[nodiscard]] ResourceSample Latest() const EXCLUDES(mutex_);
  // Oldest first, at most `most`.
  [[nodiscard]] std::vector<ResourceSample> Recent(std::size_t most) const EXCLUDES(mutex_);
  // A peak of the resident size that was read elsewhere, since the last sample.
  void CountPeak(Bytes high_water) EXCLUDES(mutex_);
  [[nodiscard]] ResourceSummary Summary() const EXCLUDES(mutex_);
  // "Memory: peak 3.41 GiB of 4.80 GiB (80 % of ...), least room 1.20 GiB, ..."
  [[nodiscard]] std::string SummaryLine() const EXCLUDES(mutex_);

 private:
  void Run(std::stop_token stop);
  // Whether to look again at once.
  bool Step(bool extra) EXCLUDES(mutex_);
  void Count(const ResourceSample& sample) REQUIRES(mutex_);

  const ResourceMonitorOptions options_;
  std::atomic<std::uint64_t> budget_ = options_.budget.count();
  ResourceSource& source_;
  MonitorClock& clock_;
  const OnAdvice on_advice_;
  const OnSample on_sample_;
  const double start_;
  std::unique_ptr<MemoryCsv> csv_;  // The thread's, like recent_.
  std::vector<ResourceSample> recent_;
  mutable Mutex mutex_;
  std::vector<ResourceSample> shared_recent_ GUARDED_BY(mutex_);
  std::optional<double> first_cpu_seconds_ GUARDED_BY(mutex_);
  ResourceSummary summary_ GUARDED_BY(mutex_);
  std::jthread thread_;  // Last: it uses all of the above.
};

}  // namespace headroom
