// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/override.h"

#include <string>
#include <string_view>
#include <vector>

namespace headroom {

// True for the names of earlier versions that are still understood.
[[nodiscard]] bool IsDeprecatedOption(std::string_view name);
// True for those that are switches, so that the bare name sets them.
[[nodiscard]] bool IsDeprecatedSwitch(std::string_view name);

// The options under today's names (reference 8.4.190): half -> quantize=16, int8 -> quantize=8,
// end2end -> nms, hide_labels -> show_labels, ...; what no longer exists is dropped. A new name
// that was given as well wins. One warning for each old name.
[[nodiscard]] std::vector<Override> ReplaceDeprecated(std::vector<Override> options,
                                                      std::vector<std::string>* warnings);

}  // namespace headroom
