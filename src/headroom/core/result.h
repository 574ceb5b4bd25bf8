// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace headroom {

// The text of an expected failure: what was wrong, what is allowed, what to do next.
struct Failure {
  std::string text;
};

// A value, or the reason why there is none. For what is expected to fail (a corrupt image, a bad
// label line); what ends the command is an exception (error.h).
template <typename T>
class [[nodiscard]] Result {
 public:
  // NOLINTBEGIN(google-explicit-constructor): read as a return value
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}
  // NOLINTEND(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  // Precondition: ok(). std::get throws std::bad_variant_access otherwise.
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }
  // Precondition: !ok().
  [[nodiscard]] const std::string& error() const { return std::get<1>(state_).text; }

 private:
  std::variant<T, Failure> state_;
};

struct Unit {};
using Status = Result<Unit>;

}  // namespace headroom
