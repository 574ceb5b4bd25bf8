// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/figure.h"
#include "headroom/plot/label_statistics.h"

#include <string>
#include <vector>

namespace headroom {

// labels.jpg: labels by class, box shapes about a common centre, where box centres lie, and which
// sizes boxes have. Up to 12 classes 1600 x 1600 pixels; with more, the classes have a column of
// their own, sorted by count.
[[nodiscard]] Figure LabelsFigure(const LabelStatistics& statistics,
                                  const std::vector<std::string>& names);

}  // namespace headroom
