// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/amount_to_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace headroom {
namespace {

constexpr double kHintMargin = 1.04;  // What is measured differs by a few MiB from start to start.
constexpr Bytes kMostHint = Bytes::GiB(1ULL << 30);  // A request may be any number.

}  // namespace

std::string AmountToType(Bytes need) {
  const double known = static_cast<double>(std::min(need, kMostHint).count());
  const auto amount = static_cast<std::uint64_t>(known * kHintMargin);
  return fmt::format("{}M", (amount >> 20) + 1);
}

}  // namespace headroom
