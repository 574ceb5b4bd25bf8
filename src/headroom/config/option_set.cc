// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/option_set.h"

#include "headroom/config/device_choice.h"
#include "headroom/config/option_table.h"
#include "headroom/config/yaml_text.h"
#include "headroom/core/check.h"

#include <fmt/format.h>

namespace headroom {
namespace {

std::size_t RowOf(std::string_view name) {
  const OptionInfo* option = FindOption(name);
  HEADROOM_CHECK(option != nullptr, fmt::format("'{}' is not in the table of options", name));
  return static_cast<std::size_t>(option - OptionTable().data());
}

// Forms that only we know, as the reference knows them.
OptionValue ForReference(std::string_view name, const OptionValue& value) {
  if (name == "device") {
    const Result<DeviceChoice> device = ParseDevice(value);
    return device ? OptionValue(device->Canonical()) : value;
  }
  if (name == "amp" && value.is_string()) return value.AsString() != "fp32";
  return value;
}

}  // namespace

OptionSet::OptionSet() {
  for (const OptionInfo& option : OptionTable()) values_.push_back(option.Default());
}

OptionSet::OptionSet(std::span<const Override> overrides) : OptionSet() {
  for (const Override& option : overrides) Set(option.key, option.value);
}

const OptionValue& OptionSet::Get(std::string_view name) const { return values_[RowOf(name)]; }

void OptionSet::Set(std::string_view name, OptionValue value) {
  values_[RowOf(name)] = std::move(value);
}

std::vector<std::pair<std::string, OptionValue>> OptionSet::ReferenceItems() const {
  std::vector<std::pair<std::string, OptionValue>> items;
  for (const OptionInfo& option : OptionTable()) {
    if (option.owner == OptionOwner::kOurs) continue;
    items.emplace_back(option.name, ForReference(option.name, Get(option.name)));
  }
  return items;
}

std::string OptionSet::ArgsYaml(const std::string& save_dir) const {
  OptionValue::Dict items = ReferenceItems();
  items.emplace_back("save_dir", save_dir);
  return ToYaml(items);
}

std::string OptionSet::HeadroomYaml(
    std::span<const std::pair<std::string, OptionValue>> resolved) const {
  OptionValue::Dict items;
  for (const OptionInfo& option : OptionTable()) {
    if (option.owner == OptionOwner::kOurs || option.name == "amp")
      items.emplace_back(option.name, Get(option.name));
  }
  items.insert(items.end(), resolved.begin(), resolved.end());
  return ToYaml(items);
}

}  // namespace headroom
