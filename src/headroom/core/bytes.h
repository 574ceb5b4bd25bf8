// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace headroom {

// A count of bytes. Arithmetic is checked: overflow and negative results throw InternalError, since
// a wrapped size is how a planner lies.
class Bytes {
 public:
  constexpr Bytes() = default;
  constexpr explicit Bytes(std::uint64_t count) : count_(count) {}

  static constexpr Bytes Max() { return Bytes(UINT64_MAX); }
  static constexpr Bytes KiB(std::uint64_t n) { return Bytes(n << 10); }
  static constexpr Bytes MiB(std::uint64_t n) { return Bytes(n << 20); }
  static constexpr Bytes GiB(std::uint64_t n) { return Bytes(n << 30); }
  // count * size, checked.
  static Bytes Of(std::uint64_t count, std::uint64_t element_size);

  [[nodiscard]] constexpr std::uint64_t count() const { return count_; }
  [[nodiscard]] double mib() const { return static_cast<double>(count_) / (1 << 20); }
  [[nodiscard]] double gib() const { return static_cast<double>(count_) / (1 << 30); }

  friend constexpr auto operator<=>(Bytes, Bytes) = default;
  friend Bytes operator+(Bytes a, Bytes b);
  // Throws InternalError when b > a; see SaturatingSub.
  friend Bytes operator-(Bytes a, Bytes b);
  friend Bytes operator*(Bytes a, std::uint64_t factor) { return Of(a.count_, factor); }
  friend Bytes operator*(std::uint64_t factor, Bytes a) { return Of(a.count_, factor); }
  Bytes& operator+=(Bytes other) { return *this = *this + other; }
  Bytes& operator-=(Bytes other) { return *this = *this - other; }

 private:
  std::uint64_t count_ = 0;
};

// a - b, or 0 when b > a.
[[nodiscard]] Bytes SaturatingSub(Bytes a, Bytes b);
// The largest multiple of 1/1 of a that is at most fraction * a; fraction in [0, 1].
[[nodiscard]] Bytes Scale(Bytes a, double fraction);
// Rounded up to a multiple of alignment (a power of two).
[[nodiscard]] Bytes RoundUp(Bytes a, Bytes alignment);

// "6G", "6GiB", "512M", "1.5 GiB", "1000000", "300kB": binary units throughout, as `free` prints
// them.
[[nodiscard]] Result<Bytes> ParseBytes(std::string_view text);
// Three significant digits and a binary unit: "1.46 GiB", "812 MiB", "17 B".
[[nodiscard]] std::string ToString(Bytes bytes);

}  // namespace headroom
