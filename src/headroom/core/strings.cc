// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/strings.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace headroom {
namespace {

// Characters in the matching blocks of a and b: the longest common substring, then left and right.
std::size_t MatchingCharacters(std::string_view a, std::string_view b) {
  std::size_t best = 0;
  std::size_t best_a = 0;
  std::size_t best_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      std::size_t length = 0;
      while (i + length < a.size() && j + length < b.size() && a[i + length] == b[j + length])
        ++length;
      if (length > best) {
        best = length;
        best_a = i;
        best_b = j;
      }
    }
  }
  if (best == 0) return 0;
  return best + MatchingCharacters(a.substr(0, best_a), b.substr(0, best_b)) +
         MatchingCharacters(a.substr(best_a + best), b.substr(best_b + best));
}

template <typename T>
bool ParseWhole(std::string_view text, T* value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, *value);
  return error == std::errc() && end == last && !text.empty();
}

}  // namespace

std::string_view Trim(std::string_view text) {
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::string Join(std::span<const std::string> parts, std::string_view separator) {
  std::string joined;
  for (const std::string& part : parts) {
    if (&part != parts.data()) joined += separator;
    joined += part;
  }
  return joined;
}

std::vector<std::string> Nearest(std::string_view word, std::span<const std::string> candidates,
                                 std::size_t most) {
  std::vector<std::pair<double, std::string>> scored;
  for (const std::string& candidate : candidates) {
    const double total = static_cast<double>(word.size() + candidate.size());
    const double ratio =
        2 * static_cast<double>(MatchingCharacters(word, candidate)) / std::max(total, 1.0);
    if (ratio >= 0.6) scored.emplace_back(ratio, candidate);
  }
  std::stable_sort(scored.begin(), scored.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (scored.size() > most) scored.resize(most);
  std::vector<std::string> nearest;
  for (auto& [ratio, candidate] : scored) nearest.push_back(std::move(candidate));
  return nearest;
}

bool ParseDouble(std::string_view text, double* value) { return ParseWhole(text, value); }

bool ParseInt(std::string_view text, std::int64_t* value) { return ParseWhole(text, value); }

}  // namespace headroom
