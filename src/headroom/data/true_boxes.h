// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/sample.h"
#include "headroom/geometry/detection.h"

#include <vector>

namespace headroom {

// Appends the sample's labels in pixels of a canvas of this size: the sample's own, or the one that
// it is resized to.
void AppendTrueBoxes(const Sample& sample, int width, int height, std::vector<TrueBox>* boxes);

}  // namespace headroom
