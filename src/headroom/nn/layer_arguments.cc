// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/layer_arguments.h"

#include "headroom/core/error.h"

#include <fmt/format.h>

namespace headroom {

void LayerArguments::Wrong(std::size_t i, const char* wanted) const {
  throw ConfigError(fmt::format(
      "{}: argument {} of {} must be {}{}", where, i + 1, layer.module, wanted,
      Has(i) ? fmt::format(", not {}", layer.args[i].ToText()) : ", but it is missing"));
}

std::int64_t LayerArguments::Int(std::size_t i) const {
  if (!Has(i) || !layer.args[i].is_int()) Wrong(i, "a whole number");
  return layer.args[i].AsInt();
}

double LayerArguments::Double(std::size_t i, double otherwise) const {
  if (!Has(i)) return otherwise;
  if (!layer.args[i].is_number()) Wrong(i, "a number");
  return layer.args[i].AsDouble();
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

}  // namespace headroom
