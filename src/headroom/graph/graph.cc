// SPDX-License-Identifier: Apache-2.0
#include "headroom/graph/graph.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

#include <utility>

namespace headroom {

ValueId Graph::AddInput(std::int64_t channels) {
  HEADROOM_CHECK(values_.empty(), "a graph has one input, added first");
  values_.push_back({.channels = channels});
  return 0;
}

std::vector<ValueId> Graph::AddNode(std::unique_ptr<Operation> operation,
                                    std::vector<NodeInput> inputs, std::string name, int layer) {
  HEADROOM_CHECK(operation->traits().inputs.size() == inputs.size(),
                 fmt::format("{} takes {} inputs, got {}", name, operation->traits().inputs.size(),
                             inputs.size()));
  const auto id = static_cast<NodeId>(nodes_.size());
  std::vector<ValueId> outputs;
  for (const std::int64_t channels : operation->OutputChannels()) {
    outputs.push_back(static_cast<ValueId>(values_.size()));
    values_.push_back({.producer = id,
                       .output_index = static_cast<int>(outputs.size()) - 1,
                       .channels = channels});
  }
  nodes_.push_back({std::move(operation), std::move(inputs), outputs, std::move(name), layer});
  return outputs;
}

ValueId Graph::Slice(ValueId value, std::int64_t first_channel, std::int64_t channels) {
  const Value& whole = this->value(value);
  HEADROOM_CHECK(first_channel >= 0 && channels > 0 && first_channel + channels <= whole.channels,
                 fmt::format("channels {}..{} of a value with {}", first_channel,
                             first_channel + channels, whole.channels));
  HEADROOM_CHECK(!whole.is_concat(), "a slice of a concatenation: slice its parts");
  Value slice{.channels = channels, .slice_of = value, .first_channel = first_channel};
  if (whole.is_slice()) {
    slice.slice_of = whole.slice_of;
    slice.first_channel += whole.first_channel;
  }
  values_.push_back(slice);
  return static_cast<ValueId>(values_.size()) - 1;
}

ValueId Graph::Concat(std::vector<ValueId> parts) {
  HEADROOM_CHECK(!parts.empty(), "a concatenation of nothing");
  Value whole;
  for (const ValueId part : parts) {
    whole.channels += value(part).channels;
    // Nested concatenations are one: the producers then write straight into the outer buffer.
    if (value(part).is_concat()) {
      const auto& inner = value(part).parts;
      whole.parts.insert(whole.parts.end(), inner.begin(), inner.end());
    } else {
      whole.parts.push_back(part);
    }
  }
  values_.push_back(std::move(whole));
  return static_cast<ValueId>(values_.size()) - 1;
}

void Graph::MarkOutput(ValueId value) {
  HEADROOM_CHECK(this->value(value).producer >= 0, "an output must be an operation's");
  outputs_.push_back(value);
}

std::vector<Extent> Graph::InferExtents(const Extent& image) const {
  std::vector<Extent> extents(values_.size());
  extents[0] = image;
  for (std::size_t id = 1; id < values_.size(); ++id) {
    const Value& value = values_[id];
    const auto at = [&](ValueId other) { return extents[static_cast<std::size_t>(other)]; };
    if (value.is_slice()) {
      extents[id] = at(value.slice_of);
    } else if (value.is_concat()) {
      extents[id] = at(value.parts[0]);
      for (const ValueId part : value.parts) {
        HEADROOM_CHECK(at(part) == extents[id],
                       "parts of a concatenation differ in height or width");
      }
    } else {
      const Node& producer = node(value.producer);
      extents[id] = producer.operation->OutputExtent(at(producer.inputs[0].value));
    }
  }
  return extents;
}

}  // namespace headroom
