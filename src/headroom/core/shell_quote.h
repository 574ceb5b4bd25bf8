// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace headroom {

// A word of a command to paste, as a POSIX shell reads it back: as it is where no character of it
// means anything to a shell, else in single quotes. Any bytes may be in it.
[[nodiscard]] std::string ShellQuote(std::string_view word);

}  // namespace headroom
