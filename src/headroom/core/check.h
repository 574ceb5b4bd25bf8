// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace headroom::internal {
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line,
                              const std::string& text);
}  // namespace headroom::internal

// For our own bugs, never for user input: throws InternalError that names the condition, the place
// and the text (which says what went wrong; fmt::format is welcome). Active in every build.
#define HEADROOM_CHECK(condition, text)                                        \
  do {                                                                         \
    if (!(condition)) [[unlikely]]                                             \
      ::headroom::internal::CheckFailed(#condition, __FILE__, __LINE__, text); \
  } while (false)
