// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/option_value.h"
#include "headroom/core/result.h"

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace headroom {

// What values an option takes.
enum class OptionType : std::uint8_t {
  kText,  // Any text; numbers are taken as text.
  kWord,  // Text only.
  kBool,
  kInt,          // Whole numbers, 100.0 included.
  kNumber,       // Whole or not.
  kOneOf,        // One of `choices`, in any case.
  kImageSize,    // 640, or [height, width].
  kBatch,        // 16, -1 (automatic) or a share below 1.
  kCache,        // False, ram, disk.
  kDevice,       // cpu, mps, 0, [0, 1], cuda:0, -1.
  kFreeze,       // 10 (the first ten), [0, 2], names.
  kClasses,      // 0, [0, 2].
  kBoolOrText,   // pretrained, resume, compile.
  kAmp,          // True, False, fp16, bf16, fp32.
  kFraction,     // Share, count, or [train, val, test].
  kShareOrTrue,  // multi_scale: True stands for 1.
  kZoom,         // scale: share, or (lowest, highest).
  kQuantize,     // 8, 16, 32 and their names.
  kSources,      // Text, a number (camera) or a list.
  kMemory,       // 6G, or a share of what is there.
  kMicrobatch,   // A count, or auto.
};

enum class OptionOwner : std::uint8_t {
  kReference,  // Of the reference, and used.
  kOtherTask,  // Of the reference, but not for detection or not here: accepted, said to be unused.
  kOurs,       // Not known to the reference: never in args.yaml.
};

enum class OptionGroup : std::uint8_t {
  kRun,
  kTrain,
  kVal,
  kPredict,
  kExport,
  kLoss,
  kAugment,
  kMemory
};

// One row of the one table. Everything that is known of an option is here: parsing, checks, help,
// args.yaml and headroom.yaml read nothing else.
struct OptionInfo {
  std::string_view name;
  OptionType type = OptionType::kText;
  std::string_view initial = "None";  // Default, as it would be typed.
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  std::string_view choices = {};  // kOneOf: "a|b|c".
  std::string_view unit = {};
  OptionGroup group = OptionGroup::kRun;
  std::string_view help;
  OptionOwner owner = OptionOwner::kReference;
  std::string_view unused = {};  // kOtherTask: why.
  bool on_resume = false;        // May be given beside resume=True.
  bool maybe_null = false;       // None is allowed although the default is a value.

  [[nodiscard]] OptionValue Default() const { return OptionValue::Parse(initial); }
  [[nodiscard]] bool Nullable() const { return maybe_null || initial == "None"; }
};

// All options: those of the reference (8.4.190) in the order of its args.yaml, then ours.
[[nodiscard]] std::span<const OptionInfo> OptionTable();
// Null where there is none of that name.
[[nodiscard]] const OptionInfo* FindOption(std::string_view name);
[[nodiscard]] std::string_view GroupTitle(OptionGroup group);

// "at least 1", "0 to 1", "ram, disk or False": for error texts and help.
[[nodiscard]] std::string AllowedText(const OptionInfo& option);

// The value as the run uses it (100.0 -> 100 for a whole number, names in their own spelling), or
// why it is not allowed: value, what is allowed, an example.
[[nodiscard]] Result<OptionValue> CheckOption(const OptionInfo& spec, const OptionValue& value);

}  // namespace headroom
