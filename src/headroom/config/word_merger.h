// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

namespace headroom {

// Joins what the shell has split: `a = b`, `a= b`, `a =b` become `a=b`, and words inside brackets
// one word. Throws ConfigError for a bracket without its partner.
[[nodiscard]] std::vector<std::string> MergeWords(std::span<const std::string> words);

}  // namespace headroom
