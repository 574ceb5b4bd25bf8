// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/runtime_reservation.h"

namespace headroom {

RuntimeReservation::RuntimeReservation(Budget& budget) : budget_(budget), reader_(SystemRoot{}) {
  held_ = Reservation(budget, MemoryTag::kRuntime, Unnamed());
}

Bytes RuntimeReservation::Unnamed() {
  const Bytes named = SaturatingSub(budget_.ledger().Read().total().now, held_.bytes());
  return SaturatingSub(reader_.ReadProcess().rss, named);
}

void RuntimeReservation::Update() {
  const Bytes now = Unnamed();
  if (now > held_.bytes()) held_.Resize(now);
}

}  // namespace headroom
