// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/error.h"

#include <exception>
#include <optional>
#include <string>

namespace headroom {

// Not a refusal: the step is left to give way to others at once, and run again.
class BrokenOff : public BudgetError {
 public:
  using BudgetError::BudgetError;
};

// The one place where failures to allocate are recognised: our budget's, the system's (bad_alloc),
// a thread that does not start, LibTorch's on the host and on a device, in any of the forms in
// which CUDA and its libraries report them. The message without a backtrace, or nothing when it is
// another failure.
[[nodiscard]] std::optional<std::string> OutOfMemoryText(const std::exception& failure);

// Counts a failure of something that is tried again: how often it was refused its memory, 0 where
// nothing was refused.
[[nodiscard]] int CountFailure(const std::exception& failure, int* failures);

// What was asked and what was left, without who holds what: that is for the error that ends a run.
[[nodiscard]] std::string BeforeDetails(const std::string& text);

}  // namespace headroom
