// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"

#include <cstdint>
#include <string>
#include <unordered_map>

namespace headroom {

// Hands out every name once: one that is taken becomes <name>-2, -3, ..., whichever of them is free
// (as Ultralytics 8.4.190 names pictures of equal stems). Holds a hash and a number a name.
class UniqueNames {
 public:
  // From now on the name that it returns is taken.
  [[nodiscard]] std::string Take(const std::string& name) { return With(name, TakeNumber(name)); }
  // The same as the number of With: 1 where the name itself was free.
  [[nodiscard]] int TakeNumber(const std::string& name);
  // What Take would return for a name that was not asked for before; takes nothing.
  [[nodiscard]] std::string Free(const std::string& name) const;

  [[nodiscard]] static std::string With(const std::string& name, int number);
  // What it holds for so many names, at most.
  [[nodiscard]] static Bytes EstimateBytes(std::uint64_t names);

 private:
  [[nodiscard]] bool IsTaken(const std::string& name) const;
  // After `number`.
  [[nodiscard]] int NextFree(const std::string& name, int number) const;

  std::unordered_map<std::uint64_t, int> numbers_;  // Hash of a taken name to its last number.
};

}  // namespace headroom
