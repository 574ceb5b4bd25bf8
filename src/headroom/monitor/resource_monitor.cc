// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/resource_monitor.h"

#include "headroom/core/log.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace headroom {
namespace {

double ThreadCpuSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

double SteadyMonitorClock::Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool SteadyMonitorClock::WaitUntil(double seconds, std::stop_token stop) {
  MutexLock lock(mutex_);
  const std::chrono::duration<double> wait(seconds - Now());
  wake_.wait_for(mutex_, stop, wait, [] { return false; });
  return !stop.stop_requested();
}

ResourceMonitor::ResourceMonitor(const ResourceMonitorOptions& options, ResourceSource& source,
                                 MonitorClock& clock, OnAdvice on_advice, OnSample on_sample)
    : options_(options),
      source_(source),
      clock_(clock),
      on_advice_(std::move(on_advice)),
      on_sample_(std::move(on_sample)),
      start_(clock.Now()),
      csv_(options.csv.empty() ? nullptr : std::make_unique<MemoryCsv>(options.csv)) {
  recent_.reserve(options_.ring + 1);
  {
    MutexLock lock(mutex_);
    shared_recent_.reserve(options_.ring + 1);
  }
  thread_ = std::jthread([this](std::stop_token stop) { Run(std::move(stop)); });
}

ResourceMonitor::~ResourceMonitor() { Stop(); }

void ResourceMonitor::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void ResourceMonitor::Run(std::stop_token stop) {
  try {
    double next = start_;
    bool extra = false;
    bool go_on = true;
    while (go_on) {
      const bool look_again = Step(extra);
      const double now = clock_.Now();
      if (!extra) next = std::max(next + options_.period_s, now);  // Late: no samples in a rush.
      const double soon = now + options_.policy.look_again_s;
      extra = look_again && soon < next;
      go_on = clock_.WaitUntil(extra ? soon : next, stop);
    }
    Step(false);
  } catch (const std::exception& error) {
    LogError(fmt::format("the memory monitor stopped: {}", error.what()));
  }
  if (csv_ != nullptr) csv_->Flush();
}

bool ResourceMonitor::Step(bool extra) {
  ResourceSample sample = source_.Sample();
  sample.seconds = clock_.Now() - start_;
  sample.extra = extra;
  Remember(recent_, sample, options_.period_s, options_.ring);
  const PressureAdvice advice = Advise(recent_, Bytes(budget_), options_.policy);
  if (advice && on_advice_) on_advice_(advice, sample);
  {
    MutexLock lock(mutex_);
    shared_recent_.assign(recent_.begin(), recent_.end());
    summary_.give_backs += advice.give_back > Bytes() ? 1 : 0;
    Count(sample);
  }
  if (!extra && on_sample_) on_sample_(sample);
  // What may wait for the disk comes when all else is done.
  if (!extra && csv_ != nullptr) csv_->Add(sample);
  return FellSuddenly(recent_, options_.policy);
}

void ResourceMonitor::Count(const ResourceSample& sample) {
  summary_.samples += sample.extra ? 0 : 1;
  summary_.seconds = sample.seconds;
  summary_.peak_rss = std::max({summary_.peak_rss, sample.process.high_water, sample.process.rss});
  summary_.peak_anon = std::max(summary_.peak_anon, sample.process.rss_anon);
  summary_.peak_unaccounted = std::max(summary_.peak_unaccounted, sample.Unaccounted());
  summary_.least_room = std::min(summary_.least_room, sample.Room());
  if (sample.gpu) summary_.peak_gpu = std::max(summary_.peak_gpu, sample.gpu->used);
  if (sample.pressure)
    summary_.worst_pressure = std::max(summary_.worst_pressure, sample.pressure->some_avg10);
  summary_.monitor_cpu_seconds = ThreadCpuSeconds();
  if (!first_cpu_seconds_) first_cpu_seconds_ = sample.process.cpu_seconds;
  summary_.process_cpu_seconds = sample.process.cpu_seconds - *first_cpu_seconds_;
}

ResourceSample ResourceMonitor::Latest() const {
  MutexLock lock(mutex_);
  return shared_recent_.empty() ? ResourceSample() : shared_recent_.back();
}

std::vector<ResourceSample> ResourceMonitor::Recent(std::size_t most) const {
  MutexLock lock(mutex_);
  const std::size_t count = std::min(most, shared_recent_.size());
  return {shared_recent_.end() - static_cast<std::ptrdiff_t>(count), shared_recent_.end()};
}

void ResourceMonitor::CountPeak(Bytes high_water) {
  MutexLock lock(mutex_);
  summary_.peak_rss = std::max(summary_.peak_rss, high_water);
}

ResourceSummary ResourceMonitor::Summary() const {
  MutexLock lock(mutex_);
  return summary_;
}

std::string ResourceMonitor::SummaryLine() const {
  const ResourceSummary summary = Summary();
  std::string line = fmt::format("Memory: peak {} resident, {} of it anonymous",
                                 ToString(summary.peak_rss), ToString(summary.peak_anon));
  if (Bytes(budget_) != Bytes::Max()) line += fmt::format(", budget {}", ToString(Bytes(budget_)));
  if (summary.least_room != Bytes::Max())
    line += fmt::format(", least room {}", ToString(summary.least_room));
  if (summary.peak_gpu > Bytes()) line += fmt::format(", GPU peak {}", ToString(summary.peak_gpu));
  line += summary.give_backs == 0 ? ", nothing had to be given back"
                                  : fmt::format(", gave way {} times", summary.give_backs);
  if (summary.process_cpu_seconds > 0) {
    line += fmt::format("; watching took {:.2f} % of the CPU time", 100 * summary.MonitorShare());
  }
  return line;
}

}  // namespace headroom
