// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/bytes.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace headroom {

Bytes Bytes::Of(std::uint64_t count, std::uint64_t element_size) {
  std::uint64_t product = 0;
  HEADROOM_CHECK(!__builtin_mul_overflow(count, element_size, &product),
                 fmt::format("{} x {} bytes overflows", count, element_size));
  return Bytes(product);
}

Bytes operator+(Bytes a, Bytes b) {
  std::uint64_t sum = 0;
  HEADROOM_CHECK(!__builtin_add_overflow(a.count_, b.count_, &sum),
                 fmt::format("{} + {} bytes overflows", a.count_, b.count_));
  return Bytes(sum);
}

Bytes operator-(Bytes a, Bytes b) {
  HEADROOM_CHECK(a.count_ >= b.count_,
                 fmt::format("{} - {} bytes is negative", a.count_, b.count_));
  return Bytes(a.count_ - b.count_);
}

Bytes SaturatingSub(Bytes a, Bytes b) { return a > b ? a - b : Bytes(); }

Bytes Scale(Bytes a, double fraction) {
  HEADROOM_CHECK(fraction >= 0 && fraction <= 1,
                 fmt::format("fraction {} outside [0, 1]", fraction));
  return Bytes(static_cast<std::uint64_t>(std::floor(static_cast<double>(a.count()) * fraction)));
}

Bytes RoundUp(Bytes a, Bytes alignment) {
  const std::uint64_t mask = alignment.count() - 1;
  HEADROOM_CHECK(alignment.count() != 0 && (alignment.count() & mask) == 0,
                 "alignment is no power of two");
  return Bytes((a + Bytes(mask)).count() & ~mask);
}

Result<Bytes> ParseBytes(std::string_view text) {
  const Failure failure{fmt::format(
      "'{}' is no amount of memory; write for example 6G, 512M, 1.5GiB or a number of bytes",
      text)};
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) return failure;
  std::string unit;
  for (const char* c = end; c != text.data() + text.size(); ++c) {
    if (*c != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
  }
  if (unit.size() > 1 && unit.ends_with("ib")) unit.resize(unit.size() - 2);
  if (unit.size() > 1 && unit.ends_with("b")) unit.resize(unit.size() - 1);
  static constexpr std::string_view kUnits = "bkmgt";
  int power = 0;
  if (!unit.empty()) {
    const auto at = unit.size() == 1 ? kUnits.find(unit[0]) : std::string_view::npos;
    if (at == std::string_view::npos) return failure;
    power = static_cast<int>(at);
  }
  const double bytes = std::ldexp(number, 10 * power);
  if (!(bytes < 1.8e19)) return failure;
  return Bytes(static_cast<std::uint64_t>(bytes));
}

std::string ToString(Bytes bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes.count());
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0) return fmt::format("{} B", bytes.count());
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, decimals, kUnits[unit]);
}

}  // namespace headroom
