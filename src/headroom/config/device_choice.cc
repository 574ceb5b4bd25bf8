// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/device_choice.h"

#include "headroom/core/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace headroom {
namespace {

constexpr int kMaxIndex = 1023;

Failure Wrong(const OptionValue& value) {
  return Failure{fmt::format(
      "device={}: a device is needed: cpu, mps, a GPU's number (0, cuda:0), several (0,1) or "
      "-1 for an idle one; for example device=0",
      value.ToText())};
}

}  // namespace

std::string DeviceChoice::Canonical() const {
  switch (kind) {
    case Kind::kAutomatic:
      return "";
    case Kind::kCpu:
      return "cpu";
    case Kind::kMps:
      return "mps";
    case Kind::kCuda:
      break;
  }
  std::string text;
  for (const int index : indices) text += fmt::format("{}{}", text.empty() ? "" : ",", index);
  return text;
}

Result<DeviceChoice> ParseDevice(const OptionValue& value) {
  using Kind = DeviceChoice::Kind;
  if (value.is_null()) return DeviceChoice{};
  if (value.is_bool() || value.is_float() || value.is_dict()) return Wrong(value);
  // A list prints as its text would be typed: one path for [0, 1], "0,1" and "cuda:0,cuda:1".
  std::string text;
  for (const char c : ToLower(value.ToText())) {
    if (std::string_view(" []()'\"").find(c) == std::string_view::npos) text += c;
  }
  if (text.empty()) return DeviceChoice{};
  if (text == "cpu") return DeviceChoice{.kind = Kind::kCpu, .indices = {}};
  if (text == "mps" || text == "mps:0") return DeviceChoice{.kind = Kind::kMps, .indices = {}};
  if (text == "cuda") text = "0";
  DeviceChoice choice{.kind = Kind::kCuda, .indices = {}};
  for (std::string_view part : Split(text, ',')) {
    if (part.starts_with("cuda:")) part.remove_prefix(5);
    std::int64_t index = 0;
    if (!ParseInt(part, &index) || index < -1 || index > kMaxIndex) return Wrong(value);
    choice.indices.push_back(static_cast<int>(index));
  }
  std::multiset<int> seen(choice.indices.begin(), choice.indices.end());
  const bool twice =
      std::any_of(seen.begin(), seen.end(), [&](int i) { return i >= 0 && seen.count(i) > 1; });
  if (twice) return Wrong(value);
  return choice;
}

}  // namespace headroom
