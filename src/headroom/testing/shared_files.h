// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

namespace headroom::testing {

// ../shared beside the source tree: golden vectors, reference runs and data.
[[nodiscard]] std::filesystem::path SharedFile(const std::filesystem::path& relative);
// True with CI=true in the environment, where a missing shared file is a failure.
[[nodiscard]] bool InCi();

}  // namespace headroom::testing

// Skips the test when the shared file is absent; with CI=true fails instead.
#define HEADROOM_NEEDS_SHARED(relative)                                                   \
  if (!std::filesystem::exists(::headroom::testing::SharedFile(relative))) {              \
    if (::headroom::testing::InCi()) FAIL() << "missing in CI: shared file " << relative; \
    GTEST_SKIP() << "no shared file " << relative;                                        \
  }
