// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/module_row.h"

namespace headroom {

// Nearest neighbour, factor 2.
extern const ModuleRow kUpsampleRow;

}  // namespace headroom
