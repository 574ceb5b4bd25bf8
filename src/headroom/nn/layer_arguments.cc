// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/layer_arguments.h"

#include "headroom/core/error.h"

#include <fmt/format.h>

namespace headroom {
namespace {

constexpr double kLargestFactor = 16;

// Nothing where it is no whole number of the range, or a list of two that differ.
std::optional<std::int64_t> WholeOf(const OptionValue& value, WholeRange range) {
  const OptionValue::List sides = value.Items();
  if (sides.empty() || sides.size() > 2 || !sides.front().is_int() || !sides.back().is_int() ||
      sides.front().AsInt() != sides.back().AsInt())
    return std::nullopt;
  const std::int64_t side = sides[0].AsInt();
  return side >= range.least && side <= range.most ? std::optional(side) : std::nullopt;
}

std::string Wanted(WholeRange range) {
  return fmt::format("a whole number from {} to {}", range.least, range.most);
}

}  // namespace

void LayerArguments::Wrong(std::size_t i, std::string_view wanted) const {
  throw ConfigError(fmt::format(
      "{}: argument {} ({}) must be {}{}", where, i + 1, names[i], wanted,
      Has(i) ? fmt::format(", not {}", layer.args[i].ToText()) : ", but it is missing"));
}

std::int64_t LayerArguments::Int(std::size_t i, WholeRange range) const {
  const auto whole = Has(i) ? WholeOf(layer.args[i], range) : std::nullopt;
  if (!whole) Wrong(i, Wanted(range));
  return *whole;
}

std::optional<std::int64_t> LayerArguments::IntOrNone(std::size_t i, WholeRange range) const {
  if (!Has(i) || layer.args[i].is_null()) return std::nullopt;
  const auto whole = WholeOf(layer.args[i], range);
  if (!whole) Wrong(i, "None or " + Wanted(range));
  return whole;
}

double LayerArguments::Factor(std::size_t i, double otherwise) const {
  if (!Has(i)) return otherwise;
  const OptionValue& value = layer.args[i];
  if (!value.is_number() || !(value.AsDouble() > 0 && value.AsDouble() <= kLargestFactor))
    Wrong(i, fmt::format("a number above 0, at most {}", kLargestFactor));
  return value.AsDouble();
}

bool LayerArguments::Bool(std::size_t i, bool otherwise) const {
  if (!Has(i)) return otherwise;
  if (!layer.args[i].is_bool()) Wrong(i, "True or False");
  return layer.args[i].AsBool();
}

std::string LayerArguments::Text(std::size_t i, const std::string& otherwise) const {
  if (!Has(i)) return otherwise;
  if (!layer.args[i].is_string()) Wrong(i, "text");
  return layer.args[i].AsString();
}

std::pair<std::int64_t, std::int64_t> LayerArguments::TwoKernels(std::size_t i,
                                                                 std::int64_t otherwise) const {
  if (!Has(i)) return {otherwise, otherwise};
  const OptionValue::List kernels =
      layer.args[i].is_list() ? layer.args[i].AsList() : OptionValue::List{};
  const auto first = kernels.size() == 2 ? WholeOf(kernels[0], {}) : std::nullopt;
  const auto second = kernels.size() == 2 ? WholeOf(kernels[1], {}) : std::nullopt;
  if (!first || !second) Wrong(i, "two kernels, [3, 3], with equal sides");
  return {*first, *second};
}

}  // namespace headroom
