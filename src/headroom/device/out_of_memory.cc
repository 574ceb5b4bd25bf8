// SPDX-License-Identifier: Apache-2.0
#include "headroom/device/out_of_memory.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <array>
#include <new>
#include <string_view>
#include <system_error>

namespace headroom {
namespace {

// Lower-case parts of messages of errors that have no type of their own.
constexpr std::array<std::string_view, 9> kSigns = {
    "out of memory",
    // OpenCV's.
    "insufficient memory",
    "can't allocate memory",
    "cannot allocate memory",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
    "could not create a memory",
    // cuDNN says so where its workspace does not fit.
    "cudnn_status_internal_error",
    "unable to find an engine",
};

std::string Lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// A thread that could not be started, or memory that was not mapped.
std::optional<std::string> SystemRefusal(const std::exception& failure) {
  const auto* system = dynamic_cast<const std::system_error*>(&failure);
  if (system == nullptr) return std::nullopt;
  if (system->code() == std::errc::not_enough_memory) return failure.what();
  if (system->code() != std::errc::resource_unavailable_try_again) return std::nullopt;
  return fmt::format(
      "the system starts no more threads ({}): see ulimit -u and the group's pids.max; ulimit -v "
      "and "
      "-d count their stacks",
      failure.what());
}

}  // namespace

std::optional<std::string> OutOfMemoryText(const std::exception& failure) {
  if (dynamic_cast<const BudgetError*>(&failure) != nullptr) return failure.what();
  if (dynamic_cast<const std::bad_alloc*>(&failure) != nullptr)
    return "the system gave no memory (bad_alloc)";
  if (std::optional<std::string> refusal = SystemRefusal(failure)) return refusal;
  const auto* torch = dynamic_cast<const c10::Error*>(&failure);
  const std::string text =
      torch != nullptr ? torch->what_without_backtrace() : std::string(failure.what());
  if (dynamic_cast<const c10::OutOfMemoryError*>(&failure) != nullptr) return text;
  const std::string lower = Lower(text);
  for (const std::string_view sign : kSigns) {
    if (lower.find(sign) != std::string::npos) return text;
  }
  return std::nullopt;
}

int CountFailure(const std::exception& failure, int* failures) {
  return dynamic_cast<const BrokenOff*>(&failure) != nullptr ? 0 : ++*failures;
}

std::string BeforeDetails(const std::string& text) { return text.substr(0, text.find(" (")); }

}  // namespace headroom
