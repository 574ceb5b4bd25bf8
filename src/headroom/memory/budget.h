// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/core/mutex.h"
#include "headroom/memory/ledger.h"
#include "headroom/memory/memory_tag.h"
#include "headroom/memory/reclaimable.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

// The bytes that the run may hold in one place. Every large consumer reserves here before it
// allocates; when the limit is met, the registered Reclaimables are asked in the order of least
// harm. Thread-safe. The budget must outlive its reservations and the registered reclaimables'
// stay.
class Budget {
 public:
  // origin says where the limit came from, for messages: "80 % of memory.max of
  // /sys/fs/cgroup/job".
  Budget(MemoryPlace place, Bytes limit, std::string origin, Ledger& ledger);
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // Charges the ledger when there is room; false when there is not, even after reclaiming.
  [[nodiscard]] bool TryCharge(MemoryTag tag, Bytes bytes);
  // Charges or throws BudgetError: what was asked, what is held per tag, the limit, its origin and
  // the option to change.
  void Charge(MemoryTag tag, Bytes bytes);
  void Release(MemoryTag tag, Bytes bytes) noexcept;

  // A holder that may be asked to give back. Not owned; Unregister before it dies.
  void Register(Reclaimable& holder) EXCLUDES(mutex_);
  void Unregister(Reclaimable& holder) EXCLUDES(mutex_);
  // Asks the holders in order, up to `last` in it, until `wanted` bytes were given or none has
  // more; returns the sum.
  Bytes Reclaim(Bytes wanted, ReclaimTime time,
                ReclaimOrder last = ReclaimOrder::kMicroBatchBelow16) EXCLUDES(mutex_);

  // A later, smaller limit is allowed: what is held above it stays, new charges fail.
  void SetLimit(Bytes limit, std::string origin) EXCLUDES(mutex_);
  // The text of the BudgetError that Charge would throw now.
  [[nodiscard]] std::string Explain(MemoryTag tag, Bytes asked) const;
  [[nodiscard]] Bytes limit() const { return Bytes(limit_.load(std::memory_order_relaxed)); }
  [[nodiscard]] Bytes used() const { return Bytes(used_.load(std::memory_order_relaxed)); }
  [[nodiscard]] Bytes available() const { return SaturatingSub(limit(), used()); }
  [[nodiscard]] std::string origin() const EXCLUDES(mutex_);
  [[nodiscard]] MemoryPlace place() const { return place_; }
  // Charges that were asked for so far, refused ones included.
  [[nodiscard]] std::uint64_t charges() const { return charges_.load(std::memory_order_relaxed); }

  // For tests: the k-th charge from now on (1 is the next) is refused once; 0 takes it back.
  void FailAfter(std::uint64_t k) { fail_at_ = k == 0 ? 0 : charges() + k; }
  [[nodiscard]] Ledger& ledger() { return ledger_; }

 private:
  [[nodiscard]] bool ChargeWithinLimit(MemoryTag tag, Bytes bytes) noexcept;

  const MemoryPlace place_;
  Ledger& ledger_;
  std::atomic<std::uint64_t> limit_;
  std::atomic<std::uint64_t> used_{0};
  std::atomic<std::uint64_t> charges_{0};
  std::atomic<std::uint64_t> fail_at_{0};
  mutable Mutex mutex_;
  std::string origin_ GUARDED_BY(mutex_);
  std::vector<Reclaimable*> holders_ GUARDED_BY(mutex_);
};

}  // namespace headroom
