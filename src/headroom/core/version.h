// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace headroom {

// What `yolo version` prints and checkpoints carry; CMakeLists.txt reads it here. CHANGELOG.md says
// what each version changed.
inline constexpr const char* kProgramVersion = "0.2.0";

}  // namespace headroom
