// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace headroom {

// Exit codes of the program, documented in the README.
enum class ExitCode : int {
  kDone = 0,
  kUsage = 2,
  kData = 3,
  kMemory = 4,
  kInternal = 5,
  kCannotWrite = 6,
  kInterrupted = 130,
};

// What ends the command. Thrown anywhere, caught in cli/main.cc and at thread edges only.
// The text has the value, the allowed values and the next step.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& text) : std::runtime_error(text), code_(code) {}
  [[nodiscard]] ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

// Wrong arguments or configuration files.
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& text) : Error(ExitCode::kUsage, text) {}
};

// Unusable images, labels or weights.
class DataError : public Error {
 public:
  explicit DataError(const std::string& text) : Error(ExitCode::kData, text) {}
};

// A need that cannot be met within the memory budget.
class BudgetError : public Error {
 public:
  explicit BudgetError(const std::string& text) : Error(ExitCode::kMemory, text) {}
};

// A file or folder that cannot be written.
class WriteError : public Error {
 public:
  explicit WriteError(const std::string& text) : Error(ExitCode::kCannotWrite, text) {}
};

// A bug of ours.
class InternalError : public Error {
 public:
  explicit InternalError(const std::string& text) : Error(ExitCode::kInternal, text) {}
};

}  // namespace headroom
