// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/module_row.h"

namespace headroom {

// Joins the channels of several layers.
extern const ModuleRow kConcatRow;

}  // namespace headroom
