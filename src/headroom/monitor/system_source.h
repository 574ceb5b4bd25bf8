// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/memory/budget.h"
#include "headroom/memory/ledger.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/monitor/gpu_memory.h"
#include "headroom/monitor/pressure.h"
#include "headroom/monitor/resource_monitor.h"

#include <memory>
#include <optional>
#include <string>

namespace headroom {

// This machine and this process. A sample takes well under a millisecond and allocates nothing.
class SystemSource final : public ResourceSource {
 public:
  // ledger and budget must outlive it; budget and gpu may be null. device is gpu's number.
  SystemSource(const SystemRoot& root, const Ledger& ledger, const Budget* budget,
               std::unique_ptr<GpuMemory> gpu = nullptr, int device = 0);
  ResourceSample Sample() override;
  [[nodiscard]] std::string DescribeLimit() const override;

 private:
  LimitWatch limits_;
  PressureReader pressure_;
  const Ledger& ledger_;
  const Budget* const budget_;
  std::unique_ptr<GpuMemory> gpu_;
  const int device_;
  PolledFile vmstat_;
  char buffer_[kPollBufferSize];
  std::size_t limit_source_ = 0;
};

}  // namespace headroom
