// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/ledger.h"
#include "headroom/memory/reservation.h"
#include "headroom/monitor/host_memory.h"

namespace headroom {

// The budget's row for what the process holds and no other row names: libraries, the heap, what
// other libraries allocate for themselves. Measured when it is made, and again whenever it is
// asked; so the budget bounds the whole process, not only what was reserved. Not thread-safe.
class RuntimeReservation {
 public:
  // Throws BudgetError when the process holds more than the budget's limit already. The budget must
  // outlive it.
  explicit RuntimeReservation(Budget& budget);
  // Measures again (some 20 us); never shrinks. Throws BudgetError as above.
  void Update();
  [[nodiscard]] Bytes bytes() const { return held_.bytes(); }

 private:
  [[nodiscard]] Bytes Unnamed();

  Budget& budget_;
  HostMemoryReader reader_;
  Reservation held_;
};

}  // namespace headroom
