// SPDX-License-Identifier: Apache-2.0
#include "headroom/graph/gradient_sources.h"

#include <algorithm>
#include <utility>

namespace headroom {

void GradientSources::Add(ValueId id, const View& view, std::int64_t value_channel) {
  const Value& value = graph_.value(id);
  if (value.is_slice()) {
    Add(value.slice_of, view, value_channel + value.first_channel);
    return;
  }
  if (!value.is_concat()) {
    sources_[static_cast<std::size_t>(id)].push_back({view, value_channel});
    return;
  }
  std::int64_t part_channel = 0;
  const std::int64_t view_end = value_channel + view.channels;
  for (const ValueId part : value.parts) {
    const std::int64_t part_end = part_channel + graph_.value(part).channels;
    const std::int64_t first = std::max(part_channel, value_channel);
    const std::int64_t last = std::min(part_end, view_end);
    if (first < last) {
      Add(part, {view.buffer, view.first_channel + first - value_channel, last - first},
          first - part_channel);
    }
    part_channel = part_end;
  }
}

std::vector<ValueView> GradientSources::Take(ValueId output) {
  return std::exchange(sources_[static_cast<std::size_t>(output)], {});
}

bool GradientSources::Any(NodeId node) const {
  const auto& outputs = graph_.node(node).outputs;
  return std::any_of(outputs.begin(), outputs.end(), [&](ValueId output) {
    return !sources_[static_cast<std::size_t>(output)].empty();
  });
}

}  // namespace headroom
