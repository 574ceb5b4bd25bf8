// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"

#include <string>

namespace headroom {

// An amount as an option takes it ("417M"), a little above the need: the next run's differs.
[[nodiscard]] std::string AmountToType(Bytes need);

}  // namespace headroom
