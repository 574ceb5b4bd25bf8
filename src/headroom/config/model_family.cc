// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/model_family.h"

#include "headroom/config/yaml_tree.h"
#include "headroom/core/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <string_view>
#include <vector>

namespace headroom {
namespace {

class FamilyWriter {
 public:
  FamilyWriter(const std::string& family, const std::string& name)
      : tree_(ParseYaml(family, name)), name_(name) {}

  std::string Write() {
    if (!tree_.IsDict()) Fail(tree_, "a family is a dict of keys");
    for (const auto& [key, value] : tree_.entries) {
      if (key == "sizes") {
        WriteSizes(value);
      } else if (key == "backbone" || key == "head") {
        WriteLayers(key, value);
      } else {
        text_ += fmt::format("{}: {}\n", key, value.text);
      }
    }
    return std::move(text_);
  }

 private:
  [[noreturn]] void Fail(const YamlTree& node, const std::string& text) const {
    throw ConfigError(fmt::format("{}:{}: {}", name_, node.line, text));
  }

  [[nodiscard]] const YamlTree& Need(const YamlTree& node, std::string_view key) const {
    const YamlTree* found = node.IsDict() ? node.Find(key) : nullptr;
    if (found == nullptr) Fail(node, fmt::format("`{}:` is missing", key));
    return *found;
  }

  void WriteSizes(const YamlTree& sizes) {
    text_ += "scales:\n";
    for (const auto& [letter, size] : sizes.entries) {
      text_ += fmt::format("  {}: [{}, {}, {}]\n", letter, Need(size, "depth").text,
                           Need(size, "width").text, Need(size, "most").text);
    }
  }

  void WriteLayers(const std::string& part, const YamlTree& layers) {
    if (!layers.IsDict()) Fail(layers, part + ": layers by name are needed");
    text_ += part + ":\n";
    for (const auto& [layer, row] : layers.entries) {
      const YamlEntry& module = Module(row);
      const YamlTree* repeats = row.Find("repeats");
      text_ +=
          fmt::format("  - [{}, {}, {}, {}]\n", Sources(row),
                      repeats != nullptr ? repeats->text : "1", module.key, Flow(module.value));
      if (!positions_.emplace(layer, positions_.size()).second)
        Fail(row, fmt::format("there are two layers '{}'", layer));
    }
  }

  // The one key that is no word of the form.
  [[nodiscard]] const YamlEntry& Module(const YamlTree& row) const {
    const YamlEntry* module = nullptr;
    if (row.IsDict()) {
      for (const YamlEntry& entry : row.entries) {
        if (entry.key == "repeats" || entry.key == "with" || entry.key == "from") continue;
        if (module != nullptr || !entry.value.IsList())
          Fail(row, fmt::format("'{}': a layer is {{MODULE: [arguments]}}, with repeats, with and "
                                "from beside it",
                                entry.key));
        module = &entry;
      }
    }
    if (module == nullptr) Fail(row, "a layer is {MODULE: [arguments]}");
    return *module;
  }

  [[nodiscard]] std::string Sources(const YamlTree& row) const {
    std::vector<std::string> sources;
    const YamlTree* from = row.Find("from");
    if (from == nullptr) sources.emplace_back("-1");
    for (const YamlTree* names : {row.Find("with"), from}) {
      if (names == nullptr) continue;
      if (names->IsScalar()) sources.push_back(Position(*names));
      for (const YamlTree& name : names->items) sources.push_back(Position(name));
    }
    return sources.size() == 1 ? sources[0] : fmt::format("[{}]", fmt::join(sources, ", "));
  }

  [[nodiscard]] std::string Position(const YamlTree& name) const {
    const auto found = positions_.find(name.text);
    if (found == positions_.end())
      Fail(name, fmt::format("there is no layer '{}' before this one", name.text));
    return std::to_string(found->second);
  }

  static std::string Flow(const YamlTree& node) {
    if (!node.IsList()) return node.text;
    std::vector<std::string> items;
    for (const YamlTree& item : node.items) items.push_back(Flow(item));
    return fmt::format("[{}]", fmt::join(items, ", "));
  }

  YamlTree tree_;
  std::string name_;
  std::string text_;
  std::map<std::string, std::size_t> positions_;  // Of the layers so far.
};

}  // namespace

std::string CustomaryModelYaml(const std::string& family, const std::string& name) {
  return FamilyWriter(family, name).Write();
}

}  // namespace headroom
