// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/interop/ultralytics_checkpoint.h"
#include "headroom/nn/model.h"

#include <string>
#include <vector>

namespace headroom {

// Copies the rows of the last class convolutions (both heads) from a checkpoint whose classes are
// others, or in another order: class by class where the names agree, trimmed and whatever the case
// (cls_remap, Ultralytics 8.4.190). Names that are only numbers stand for none. The other rows
// stay. Returns how many of the model's classes were found; -1 where the lists are equal and
// nothing had to be done.
int RemapClassRows(const CheckpointContents& file, const std::vector<std::string>& names,
                   Model& model);

}  // namespace headroom
