// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace headroom {

// RFC 4648, section 4, with padding.
[[nodiscard]] std::string EncodeBase64(std::string_view bytes);

}  // namespace headroom
