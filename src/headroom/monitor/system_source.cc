// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/system_source.h"

#include <utility>

namespace headroom {

SystemSource::SystemSource(const SystemRoot& root, const Ledger& ledger, const Budget* budget,
                           std::unique_ptr<GpuMemory> gpu, int device)
    : limits_(root),
      pressure_(root, FindCgroups(root)),
      ledger_(ledger),
      budget_(budget),
      gpu_(std::move(gpu)),
      device_(device),
      vmstat_(root.At("/proc/vmstat")) {}

ResourceSample SystemSource::Sample() {
  const LimitWatch::Reading reading = limits_.Read();
  limit_source_ = reading.source;
  ResourceSample sample;
  sample.process = reading.process;
  sample.host = reading.host;
  sample.limit = reading.limit;
  sample.limit_source = reading.source;
  sample.limit_set = reading.set;
  sample.dirty = reading.dirty;
  sample.cgroup_limit = reading.cgroup_limit;
  sample.cgroup_used = reading.cgroup_used;
  sample.oom_kills = limits_.OomKills();
  sample.host_oom_kills = FindNumber(vmstat_.Read(buffer_), "oom_kill");
  sample.pressure = pressure_.Concerning(LimitWatch::GroupsUpTo(reading.source),
                                         LimitWatch::IsHost(reading.source));
  sample.ledger = ledger_.Read();
  if (budget_ != nullptr) sample.budget = budget_->limit();
  if (gpu_ != nullptr) {
    const Result<GpuSample> gpu = gpu_->Read(device_);
    // A GPU that has fallen off the bus is the trainer's to report.
    if (gpu) sample.gpu = *gpu;
  }
  return sample;
}

std::string SystemSource::DescribeLimit() const { return limits_.Describe(limit_source_); }

}  // namespace headroom
