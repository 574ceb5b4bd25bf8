// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/run_arguments.h"

#include "headroom/config/option_table.h"
#include "headroom/config/yaml_tree.h"

namespace headroom {
namespace {

void Take(const YamlTree& tree, std::vector<Override>* overrides) {
  for (const auto& [key, value] : tree.entries) {
    if (FindOption(key) == nullptr || key == "save_dir") continue;
    OptionValue typed = value.ToValue();
    if (!typed.is_null()) Set(key, std::move(typed), overrides);
  }
}

}  // namespace

std::vector<Override> ReadRunArguments(const std::filesystem::path& folder) {
  std::vector<Override> overrides;
  Take(ReadYaml(folder / "args.yaml"), &overrides);
  const std::filesystem::path ours = folder / "headroom.yaml";
  if (std::filesystem::exists(ours)) Take(ReadYaml(ours), &overrides);
  return overrides;
}

}  // namespace headroom
