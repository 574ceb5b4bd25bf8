// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/device_choice.h"
#include "headroom/config/option_table.h"
#include "headroom/core/bytes.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace headroom {
namespace {

constexpr double kLargestInt = 2147483647;
constexpr double kSmallestBudget = 1 << 20;

bool InRange(const OptionInfo& option, double number) {
  return number >= option.minimum && number <= option.maximum;
}

// The number as a whole one: 100 and 100.0, within 32 bits.
std::optional<std::int64_t> Whole(const OptionValue& value) {
  const double number = value.is_number() ? value.AsDouble() : 0.5;
  if (std::abs(number) > kLargestInt || number != std::floor(number)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::optional<std::string> OneOf(const OptionValue& value, std::string_view choices) {
  if (!value.is_string()) return std::nullopt;
  for (const std::string_view choice : Split(choices, '|')) {
    if (ToLower(choice) == ToLower(value.AsString())) return std::string(choice);
  }
  return std::nullopt;
}

// A list of whole numbers in range (a lone number stays one), or nothing.
std::optional<OptionValue> WholeNumbers(const OptionInfo& option, const OptionValue& value) {
  OptionValue::List whole;
  for (const OptionValue& item : value.Items()) {
    const auto number = Whole(item);
    if (!number || !InRange(option, static_cast<double>(*number))) return std::nullopt;
    whole.emplace_back(*number);
  }
  return value.is_list() ? OptionValue(std::move(whole)) : whole.front();
}

using Checked = std::optional<OptionValue>;

Checked CheckImageSize(const OptionInfo& option, const OptionValue& value) {
  if (value.is_list() && (value.AsList().empty() || value.AsList().size() > 2)) return std::nullopt;
  return WholeNumbers(option, value);
}

Checked CheckBatch(const OptionValue& value) {
  if (const auto whole = Whole(value); whole && (*whole == -1 || *whole >= 1))
    return OptionValue(*whole);
  return value.is_float() && value.AsDouble() > 0 && value.AsDouble() < 1 ? Checked(value)
                                                                          : std::nullopt;
}

Checked CheckCache(const OptionValue& value) {
  if (value.is_bool()) return value;
  const auto kind = OneOf(value, "ram|disk");
  return kind ? Checked(*kind) : std::nullopt;
}

// [0,model.3] is no literal: bare names are split here.
Checked CheckFreeze(const OptionValue& value) {
  OptionValue::List items = value.Items();
  bool is_list = value.is_list();
  const std::string text = value.is_string() ? value.AsString() : "";
  if (text.size() > 1 && text.starts_with('[') && text.ends_with(']')) {
    is_list = true;
    items.clear();
    for (const std::string_view part :
         Split(std::string_view(text).substr(1, text.size() - 2), ',')) {
      items.push_back(OptionValue::Parse(Trim(part)));
    }
  }
  for (OptionValue& item : items) {
    if (const auto whole = Whole(item); whole && *whole >= 0) {
      item = *whole;
    } else if (!item.is_string() || item.AsString().empty()) {
      return std::nullopt;
    }
  }
  return is_list ? OptionValue(std::move(items)) : items.front();
}

// A share in (0, 1] or a count above 1; 0 where nothing may be used.
Checked CheckFractionItem(const OptionValue& value, bool zero_allowed) {
  const double number = value.is_number() ? value.AsDouble() : -1;
  if (!(number > 0 || (zero_allowed && number == 0))) return std::nullopt;
  if (number == 1) return OptionValue(1.0);
  if (number < 1) return value;
  return value.is_int() && number <= kLargestInt ? Checked(value) : std::nullopt;
}

Checked CheckFraction(const OptionValue& value) {
  if (!value.is_list()) return CheckFractionItem(value, false);
  if (value.AsList().size() < 2 || value.AsList().size() > 3) return std::nullopt;
  OptionValue::List checked;
  for (const OptionValue& item : value.AsList()) {
    const auto one = CheckFractionItem(item, checked.size() == 2);
    if (!one) return std::nullopt;
    checked.push_back(*one);
  }
  return OptionValue(std::move(checked));
}

Checked CheckZoom(const OptionValue& value) {
  if (value.is_number())
    return value.AsDouble() >= 0 && value.AsDouble() <= 1 ? Checked(value) : std::nullopt;
  if (!value.is_list() || value.AsList().size() != 2) return std::nullopt;
  const OptionValue& low = value.AsList()[0];
  const OptionValue& high = value.AsList()[1];
  if (!low.is_number() || !high.is_number() || !std::isfinite(high.AsDouble())) return std::nullopt;
  return low.AsDouble() > 0 && high.AsDouble() >= low.AsDouble() ? Checked(value) : std::nullopt;
}

Checked CheckQuantize(const OptionValue& value) {
  if (const auto whole = Whole(value)) {
    return *whole == 8 || *whole == 16 || *whole == 32 ? Checked(*whole) : std::nullopt;
  }
  const auto name = OneOf(value, "int8|fp16|fp32|w8a8|w16a16|w32a32|w8a16|w8a32");
  if (name == "int8") return OptionValue(8);
  if (name == "fp16") return OptionValue(16);
  if (name == "fp32") return OptionValue(32);
  return name ? Checked(*name) : std::nullopt;
}

Checked CheckMemory(const OptionValue& value) {
  if (value.is_number()) {
    const double number = value.AsDouble();
    const bool share = value.is_float() && number > 0 && number <= 1;
    return share || (number >= kSmallestBudget && number < 1e18) ? Checked(value) : std::nullopt;
  }
  if (!value.is_string()) return std::nullopt;
  const Result<Bytes> bytes = ParseBytes(value.AsString());
  return bytes && static_cast<double>(bytes->count()) >= kSmallestBudget ? Checked(value)
                                                                         : std::nullopt;
}

Checked CheckSources(const OptionValue& value) {
  const OptionValue::List items = value.Items();
  return std::all_of(items.begin(), items.end(),
                     [](const OptionValue& item) { return item.is_scalar(); })
             ? Checked(value)
             : std::nullopt;
}

Checked CheckBoolOr(const OptionValue& value, const std::optional<std::string>& otherwise) {
  if (value.is_bool()) return value;
  return otherwise ? Checked(*otherwise) : std::nullopt;
}

// None, null, or what `none` was read as, where none is one of the choices and no absent value.
bool IsChoiceNone(const OptionInfo& option, const OptionValue& value) {
  const bool none = value.is_null() || (value.is_string() && ToLower(value.AsString()) == "null");
  return none && option.type == OptionType::kOneOf && OneOf("none", option.choices);
}

Checked CheckNumber(const OptionInfo& option, const OptionValue& value) {
  const bool allowed =
      value.is_number() && std::isfinite(value.AsDouble()) && InRange(option, value.AsDouble());
  return allowed ? Checked(value) : std::nullopt;
}

// Nothing where the value is not allowed.
Checked Check(const OptionInfo& option, const OptionValue& value) {
  switch (option.type) {
    case OptionType::kText:
      return value.is_scalar() ? Checked(value.ToText()) : std::nullopt;
    case OptionType::kWord:
      return value.is_string() ? Checked(value) : std::nullopt;
    case OptionType::kBool:
      return value.is_bool() ? Checked(value) : std::nullopt;
    case OptionType::kInt:
      return value.is_number() ? WholeNumbers(option, value) : std::nullopt;
    case OptionType::kNumber:
      return CheckNumber(option, value);
    case OptionType::kOneOf: {
      const auto choice = OneOf(value, option.choices);
      return choice ? Checked(*choice) : std::nullopt;
    }
    case OptionType::kImageSize:
      return CheckImageSize(option, value);
    case OptionType::kBatch:
      return CheckBatch(value);
    case OptionType::kCache:
      return CheckCache(value);
    case OptionType::kDevice:
      return std::nullopt;  // Has its own text: CheckOption.
    case OptionType::kFreeze:
      return CheckFreeze(value);
    case OptionType::kClasses:
      return WholeNumbers(option, value);
    case OptionType::kBoolOrText:
      return CheckBoolOr(value, value.is_string() ? std::optional(value.AsString()) : std::nullopt);
    case OptionType::kAmp:
      return CheckBoolOr(value, OneOf(value, "fp16|bf16|fp32"));
    case OptionType::kFraction:
      return CheckFraction(value);
    case OptionType::kShareOrTrue:
      return value.is_bool() ? Checked(value.AsBool() ? 1.0 : 0.0) : CheckNumber(option, value);
    case OptionType::kZoom:
      return CheckZoom(value);
    case OptionType::kQuantize:
      return CheckQuantize(value);
    case OptionType::kSources:
      return CheckSources(value);
    case OptionType::kMemory:
      return CheckMemory(value);
    case OptionType::kMicrobatch:
      if (const auto automatic = OneOf(value, "auto")) return OptionValue(*automatic);
      return !value.is_list() ? WholeNumbers(option, value) : std::nullopt;
  }
  return std::nullopt;
}

std::string RangeText(const OptionInfo& option) {
  const bool above_zero = option.minimum > 0 && option.minimum < 1e-300;
  if (std::isinf(option.minimum)) return "";
  if (above_zero) return " above 0";
  if (std::isinf(option.maximum)) return fmt::format(" of at least {}", option.minimum);
  return fmt::format(" from {} to {}", option.minimum, option.maximum);
}

std::string ChoicesText(std::string_view choices) {
  std::string text;
  const auto names = Split(choices, '|');
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

// A value to copy: the default, or a usual one where the default is None.
std::string Example(const OptionInfo& option) {
  if (option.initial != "None") return std::string(option.initial);
  switch (option.type) {
    case OptionType::kBool:
      return "False";
    case OptionType::kInt:
      return option.name == "opset" ? "12" : "2";
    case OptionType::kNumber:
      return option.maximum <= 1 ? "0.25" : "2.5";
    case OptionType::kFreeze:
      return "10";
    case OptionType::kClasses:
      return "[0,2]";
    case OptionType::kQuantize:
      return "16";
    case OptionType::kMemory:
      return "16G";
    case OptionType::kDevice:
      return "cpu";
    default:
      return option.name == "source" ? "images/" : option.name == "data" ? "data.yaml" : "text";
  }
}

}  // namespace

std::string AllowedText(const OptionInfo& option) {
  switch (option.type) {
    case OptionType::kText:
      return "one text";
    case OptionType::kWord:
      return "a text (no number)";
    case OptionType::kBool:
      return "True or False";
    case OptionType::kInt:
      return "a whole number" + RangeText(option);
    case OptionType::kNumber:
      return "a number" + RangeText(option);
    case OptionType::kOneOf:
      return ChoicesText(option.choices);
    case OptionType::kImageSize:
      return fmt::format("a whole number of pixels from {} to {}, or [height,width]",
                         option.minimum, option.maximum);
    case OptionType::kBatch:
      return "a whole number of at least 1, -1 (chosen for you) or a share between 0 and 1";
    case OptionType::kCache:
      return "ram, disk or False";
    case OptionType::kDevice:
      return "cpu, mps, a GPU's number, several (0,1) or -1 for an idle one";
    case OptionType::kFreeze:
      return "a number of layers, or a list of layer numbers and names";
    case OptionType::kClasses:
      return "a class number of at least 0, or a list of them";
    case OptionType::kBoolOrText:
      return option.name == "compile" ? "True, False or a mode" : "True, False or a file";
    case OptionType::kAmp:
      return "True, False, fp16, bf16 or fp32";
    case OptionType::kFraction:
      return "a share above 0 and up to 1, a count above 1, or a list [train,val] or "
             "[train,val,test] of these";
    case OptionType::kShareOrTrue:
      return "a number from 0 to 1, or True for 1";
    case OptionType::kZoom:
      return "a number from 0 to 1, or a pair of a lowest and a highest zoom above 0";
    case OptionType::kQuantize:
      return "8, 16, 32, int8, fp16, fp32, w8a8, w16a16, w32a32, w8a16 or w8a32";
    case OptionType::kSources:
      return "a path, a number or a list of paths";
    case OptionType::kMemory:
      if (option.name == "ram") return "how much memory a machine has, with its unit (31G, 800M)";
      return "a size with its unit (6G, 800M) or a share above 0 and up to 1, written with a point "
             "(0.8)";
    case OptionType::kMicrobatch:
      return "a whole number of at least 1, or auto";
  }
  return "";
}

Result<OptionValue> CheckOption(const OptionInfo& option, const OptionValue& value) {
  if (value.is_null() && option.Nullable()) return value;
  if (IsChoiceNone(option, value)) return OptionValue("none");
  if (option.type == OptionType::kDevice) {
    const Result<DeviceChoice> device = ParseDevice(value);
    if (!device) return Failure{device.error()};
    return OptionValue(device->Canonical());
  }
  if (auto checked = value.is_null() ? std::nullopt : Check(option, value))
    return *std::move(checked);
  return Failure{fmt::format("{0}={1}: {2} is needed; for example {0}={3}", option.name,
                             value.ToText(), AllowedText(option), Example(option))};
}

}  // namespace headroom
