// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/class_choice.h"

#include "headroom/core/log.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace headroom {
namespace {

// "0 RBC, 1 WBC, 2 Platelets"; of many classes the first ones and the last.
std::string ListOfClasses(std::span<const std::string> names) {
  constexpr std::size_t kMost = 20;
  std::vector<std::string> listed;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i)
    listed.push_back(fmt::format("{} {}", i, names[i]));
  if (names.size() > kMost)
    listed.push_back(fmt::format("... {} {}", names.size() - 1, names.back()));
  return fmt::format("{}", fmt::join(listed, ", "));
}

}  // namespace

std::optional<std::string> UnknownClassesText(std::span<const int> classes,
                                              std::span<const std::string> names) {
  std::vector<int> unknown;
  for (const int id : classes) {
    if (id < 0 || static_cast<std::size_t>(id) >= names.size()) unknown.push_back(id);
  }
  if (unknown.empty()) return std::nullopt;
  return fmt::format("classes={}: the model has no class {}; it has {}", fmt::join(classes, ","),
                     fmt::join(unknown, ", "), ListOfClasses(names));
}

void WarnOfUnknownClasses(std::span<const int> classes, std::span<const std::string> names) {
  if (const auto text = UnknownClassesText(classes, names)) LogWarning(*text);
}

}  // namespace headroom
