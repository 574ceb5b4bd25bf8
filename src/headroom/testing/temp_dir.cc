// SPDX-License-Identifier: Apache-2.0
#include "headroom/testing/temp_dir.h"

#include "headroom/core/check.h"

#include <cstdlib>
#include <string>
#include <system_error>

namespace headroom::testing {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "headroom_XXXXXX").string();
  HEADROOM_CHECK(::mkdtemp(name.data()) != nullptr, "no temporary folder");
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace headroom::testing
