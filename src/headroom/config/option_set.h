// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/override.h"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom {

// Every option of the table with its value, in the table's order: what args.yaml, train_args and
// headroom.yaml hold. Values are not checked here (options.h does).
class OptionSet {
 public:
  // All defaults.
  OptionSet();
  explicit OptionSet(std::span<const Override> overrides);

  // Throw InternalError for a name that is no option.
  [[nodiscard]] const OptionValue& Get(std::string_view name) const;
  void Set(std::string_view name, OptionValue value);

  // The reference's options only, in its order: what train_args holds. A device that was not named
  // is
  // '', amp only True or False, which is all that the reference takes.
  [[nodiscard]] std::vector<std::pair<std::string, OptionValue>> ReferenceItems() const;
  // Text of args.yaml, as the reference writes it: its options, then save_dir.
  [[nodiscard]] std::string ArgsYaml(const std::string& save_dir) const;
  // Text of headroom.yaml: our options and amp as it was asked for, then what the run has resolved
  // (threads, precision, micro-batch, ...).
  [[nodiscard]] std::string HeadroomYaml(
      std::span<const std::pair<std::string, OptionValue>> resolved = {}) const;

  friend bool operator==(const OptionSet&, const OptionSet&) = default;

 private:
  std::vector<OptionValue> values_;  // By row of the table.
};

}  // namespace headroom
