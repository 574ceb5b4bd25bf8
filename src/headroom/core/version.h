// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace headroom {

inline constexpr const char* kProgramVersion = "0.1.0";

}  // namespace headroom
