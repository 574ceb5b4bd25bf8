// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace headroom::testing {

// A detector of three classes that trains in milliseconds.
inline constexpr const char* kTinyModelYaml = R"(
nc: 3
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, C3k2, [16, False, 0.25]]
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 1, Conv, [64, 3, 2]]
head:
  - [[3, 4], 1, Detect, [nc]]
)";

}  // namespace headroom::testing
