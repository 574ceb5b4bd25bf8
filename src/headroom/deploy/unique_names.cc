// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/unique_names.h"

#include <fmt/format.h>

#include <functional>

namespace headroom {
namespace {

std::uint64_t HashOf(const std::string& name) { return std::hash<std::string>()(name); }

}  // namespace

int UniqueNames::TakeNumber(const std::string& name) {
  int& number = numbers_[HashOf(name)];
  if (number == 0) return number = 1;
  number = NextFree(name, number);
  const int taken = number;
  numbers_.emplace(HashOf(With(name, taken)), 1);
  return taken;
}

std::string UniqueNames::Free(const std::string& name) const {
  return IsTaken(name) ? With(name, NextFree(name, 1)) : name;
}

std::string UniqueNames::With(const std::string& name, int number) {
  return number == 1 ? name : fmt::format("{}-{}", name, number);
}

Bytes UniqueNames::EstimateBytes(std::uint64_t names) {
  constexpr std::uint64_t kBytesAName = 64;  // A list node and its buckets, twice while they grow.
  return Bytes::Of(names, kBytesAName);
}

bool UniqueNames::IsTaken(const std::string& name) const { return numbers_.contains(HashOf(name)); }

int UniqueNames::NextFree(const std::string& name, int number) const {
  do {
    ++number;
  } while (IsTaken(With(name, number)));
  return number;
}

}  // namespace headroom
