// SPDX-License-Identifier: Apache-2.0
#include "headroom/testing/shared_files.h"

#include <cstdlib>
#include <string_view>

namespace headroom::testing {

std::filesystem::path SharedFile(const std::filesystem::path& relative) {
  return std::filesystem::path(HEADROOM_SOURCE_DIR).parent_path() / "shared" / relative;
}

bool InCi() {
  const char* ci = std::getenv("CI");
  return ci != nullptr && std::string_view(ci) == "true";
}

}  // namespace headroom::testing
