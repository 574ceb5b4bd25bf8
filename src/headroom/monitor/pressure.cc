// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/pressure.h"

#include <algorithm>
#include <charconv>

namespace headroom {
namespace {

// "some avg10=1.53 avg60=0.87 avg300=0.73 total=1163245"
std::optional<double> Average10(std::string_view text, std::string_view kind) {
  const std::size_t line = text.find(kind);
  if (line == std::string_view::npos) return std::nullopt;
  constexpr std::string_view kKey = "avg10=";
  const std::size_t key = text.find(kKey, line);
  if (key == std::string_view::npos) return std::nullopt;
  double value = 0;
  const char* const start = text.data() + key + kKey.size();
  if (std::from_chars(start, text.data() + text.size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

}  // namespace

std::optional<Pressure> ParsePressure(std::string_view text) {
  const auto some = Average10(text, "some ");
  if (!some) return std::nullopt;
  return Pressure{*some, Average10(text, "full ").value_or(0)};
}

PressureReader::PressureReader(const SystemRoot& root, const CgroupMembership& groups)
    : host_(root.At("/proc/pressure/memory")) {
  for (const CgroupNode& node : groups.memory) groups_.emplace_back(node.real / "memory.pressure");
}

std::optional<Pressure> PressureReader::Concerning(std::size_t groups_up_to, bool host_limits) {
  std::optional<Pressure> worst;
  const auto look = [&](const PolledFile& file) {
    const auto pressure = ParsePressure(file.Read(buffer_));
    if (!pressure) return;
    if (!worst) worst = Pressure{};
    worst->some_avg10 = std::max(worst->some_avg10, pressure->some_avg10);
    worst->full_avg10 = std::max(worst->full_avg10, pressure->full_avg10);
  };
  if (host_limits) look(host_);
  const std::size_t count = std::min(groups_.size(), std::max<std::size_t>(groups_up_to, 1));
  for (std::size_t i = 0; i < count; ++i) look(groups_[i]);
  return worst;
}

}  // namespace headroom
