// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/memory/budget.h"
#include "headroom/monitor/pressure_policy.h"

#include <string>

namespace headroom {

// What came of an advice.
struct GaveWay {
  Bytes wanted;      // 0 when the budget only moved.
  Bytes given;       // By how much the budget's use fell. Less than wanted: ask again at the next
                     // boundary.
  std::string line;  // What was done, why, how much it gave: for the log. Empty: no news.
};

// Sets the budget to the advice's and asks its holders, in the order of least harm, for what is
// held above it: at once, from any thread. Blocks that a holder frees land in the allocator's cache
// first, so the holders are asked again until no more comes. `planned`: what the run needs at its
// peak; a budget that moves above that, with nothing given, is no news.
[[nodiscard]] GaveWay GiveWay(Budget& budget, const PressureAdvice& advice,
                              Bytes planned = Bytes::Max());

}  // namespace headroom
