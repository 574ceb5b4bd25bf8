// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/option_value.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom {

// A torch.nn.Module as a checkpoint describes it, without its numbers. nn/ records one while it
// builds a model; interop/ writes it to a pickle and reads it from one. A value type.
struct ModuleTree {
  struct Child;

  std::string type;  // Class with its Python module: "ultralytics.nn.modules.conv.Conv".
  // Fields of the class beside those of torch's Module, in their order; a list is a tuple in
  // Python.
  std::vector<std::pair<std::string, OptionValue>> attributes;
  // Fields that are tensors.
  std::vector<std::pair<std::string, std::vector<float>>> tensor_attributes;
  // Fields of a file that have no place above (objects, dicts, long texts), by name.
  std::vector<std::string> opaque;
  std::vector<std::pair<std::string, bool>> parameters;  // False: named, but None.
  std::vector<std::string> buffers;
  std::vector<Child> children;

  // The child below a dotted path, "0.cv1.act"; null where there is none.
  [[nodiscard]] const ModuleTree* Find(std::string_view path) const;
  // The same, made where it is missing, with `container` as the type of what lies between.
  ModuleTree& At(std::string_view path, std::string_view container);
  // Null where there is none.
  [[nodiscard]] const OptionValue* Attribute(std::string_view name) const;
  // Adds the attribute or replaces it. Returns *this, for chains.
  ModuleTree& Set(std::string_view name, OptionValue value);
};

struct ModuleTree::Child {
  std::string name;
  ModuleTree module;
};

}  // namespace headroom
