// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>

namespace headroom {

// A loss as it is reported: one number a term, in the order of the loss's names. Lies in place,
// since every batch makes some.
class LossItems {
 public:
  static constexpr std::size_t kMost = 8;

  LossItems() = default;
  explicit LossItems(std::size_t count) : count_(std::min(count, kMost)) {}
  LossItems(std::initializer_list<double> values) : LossItems(values.size()) {
    std::copy_n(values.begin(), count_, begin());
  }

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] double operator[](std::size_t i) const { return values_[i]; }
  [[nodiscard]] double* begin() { return values_.data(); }
  [[nodiscard]] double* end() { return begin() + count_; }
  [[nodiscard]] const double* begin() const { return values_.data(); }
  [[nodiscard]] const double* end() const { return begin() + count_; }

  // Term by term; nothing so far counts as zeros.
  LossItems& operator+=(const LossItems& other) {
    count_ = std::max(count_, other.count_);
    for (std::size_t i = 0; i < other.count_; ++i) values_[i] += other.values_[i];
    return *this;
  }
  LossItems& operator*=(double factor) {
    for (double& value : *this) value *= factor;
    return *this;
  }
  // Not `*= 1 / divisor`, which rounds twice.
  LossItems& operator/=(double divisor) {
    for (double& value : *this) value /= divisor;
    return *this;
  }
  friend bool operator==(const LossItems&, const LossItems&) = default;

 private:
  std::array<double, kMost> values_{};
  std::size_t count_ = 0;
};

}  // namespace headroom
