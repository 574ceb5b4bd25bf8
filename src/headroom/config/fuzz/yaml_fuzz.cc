// SPDX-License-Identifier: Apache-2.0
// YAML that users bring: the tree, a model's layers, a Python literal. Only errors of configuration
// may be thrown, and what was read can be written and reads as the same.
#include "headroom/config/model_yaml.h"
#include "headroom/config/python_literal.h"
#include "headroom/config/yaml_text.h"
#include "headroom/config/yaml_tree.h"
#include "headroom/core/error.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

void ReadAsTree(const std::string& text) {
  using headroom::OptionValue;
  OptionValue value;
  try {
    const headroom::YamlTree tree = headroom::ParseYaml(text, "fuzz.yaml");
    if (!tree.IsDict()) return;
    value = tree.ToValue();
  } catch (const headroom::ConfigError&) {
    return;
  }
  const auto* dict = value.get_if<OptionValue::Dict>();
  if (dict == nullptr) std::abort();
  static_cast<void>(headroom::ParseYaml(headroom::ToYaml(*dict), "again.yaml"));
}

void ReadAsModel(const std::string& text) {
  try {
    static_cast<void>(headroom::ParseModelYaml(text, "fuzz.yaml"));
  } catch (const headroom::ConfigError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  ReadAsTree(text);
  ReadAsModel(text);
  static_cast<void>(headroom::ParsePythonLiteral(text));
  return 0;
}
