// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/word_merger.h"

#include "headroom/core/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

std::vector<std::string> JoinEquals(std::span<const std::string> words) {
  std::vector<std::string> joined;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool has_next = i + 1 < words.size();
    if (word == "=" && !joined.empty() && has_next) {
      joined.back() += "=" + words[++i];
    } else if (word.size() > 1 && word.ends_with('=') && has_next &&
               words[i + 1].find('=') == std::string::npos) {
      joined.push_back(word + words[++i]);
    } else if (word.starts_with('=') && !joined.empty()) {
      joined.back() += word;
    } else {
      joined.push_back(word);
    }
  }
  return joined;
}

std::ptrdiff_t OpenBrackets(const std::string& word) {
  return std::count(word.begin(), word.end(), '[') - std::count(word.begin(), word.end(), ']');
}

}  // namespace

std::vector<std::string> MergeWords(std::span<const std::string> words) {
  std::vector<std::string> merged;
  std::ptrdiff_t open = 0;
  for (const std::string& word : JoinEquals(words)) {
    if (open > 0) {
      merged.back() += word;
    } else {
      merged.push_back(word);
    }
    open += OpenBrackets(word);
    if (open < 0) break;
  }
  if (open != 0) {
    throw ConfigError(fmt::format(
        "'{}': a bracket [ ] has no partner; write lists like classes=[0,2]", merged.back()));
  }
  return merged;
}

}  // namespace headroom
