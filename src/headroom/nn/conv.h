// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/module_row.h"

namespace headroom {

// Convolution, batch-norm, activation.
extern const ModuleRow kConvRow;
// The same with as many groups as channels in and out allow.
extern const ModuleRow kDwConvRow;

}  // namespace headroom
