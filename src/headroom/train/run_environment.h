// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace headroom {

// What a run's results and speed may depend on beside its options: versions, processor, cores,
// memory and its limits, system, and the time of now. Name and text, in order.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> DescribeEnvironment();

}  // namespace headroom
