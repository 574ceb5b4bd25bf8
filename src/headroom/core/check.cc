// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/check.h"

#include "headroom/core/error.h"

#include <fmt/format.h>

#include <string_view>

namespace headroom::internal {

void CheckFailed(const char* condition, const char* file, int line, const std::string& text) {
  std::string_view path = file;
  // The path from the include root on, so that messages do not depend on where the tree lies.
  if (const auto at = path.rfind("headroom/"); at != std::string_view::npos) path.remove_prefix(at);
  throw InternalError(fmt::format("internal error: {} ({} is false at {}:{}); please report it",
                                  text, condition, path, line));
}

}  // namespace headroom::internal
