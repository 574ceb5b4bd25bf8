// SPDX-License-Identifier: Apache-2.0
#include "headroom/graph/placement_plan.h"

#include "headroom/core/check.h"

#include <algorithm>

namespace headroom {

PlacementPlan::PlacementPlan(const Graph& graph, const std::vector<bool>& wanted_outputs)
    : graph_(graph),
      needed_(graph.nodes().size(), false),
      places_(graph.values().size()),
      parts_(graph.values().size()) {
  FindNeeded(wanted_outputs);
  AddDense({graph.input(), 0, graph.value(graph.input()).channels});
  for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes().size()); ++id) {
    if (!Needed(id)) continue;
    const Node& node = graph.node(id);
    const OperationTraits traits = node.operation->traits();
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId value = node.inputs[i].value;
      if (graph.value(value).is_concat()) {
        AddConcat(value);
      } else if (traits.inputs[i] == InputUse::kDense) {
        AddDense(Resolve(value));
      }
    }
  }
  for (const ValueId output : graph.outputs()) {
    if (Needed(graph.value(output).producer)) AddDense(Resolve(output));
  }
  CoverLooseReaders();
}

void PlacementPlan::FindNeeded(const std::vector<bool>& wanted_outputs) {
  for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
    if (wanted_outputs.empty() || wanted_outputs[i]) {
      needed_[static_cast<std::size_t>(graph_.value(graph_.outputs()[i]).producer)] = true;
    }
  }
  for (auto id = static_cast<NodeId>(graph_.nodes().size()) - 1; id >= 0; --id) {
    if (!Needed(id)) continue;
    for (const NodeInput& input : graph_.node(id).inputs) {
      for (const ChannelRange& range : Flatten(input.value)) {
        const NodeId producer = graph_.value(range.root).producer;
        if (producer >= 0) needed_[static_cast<std::size_t>(producer)] = true;
      }
    }
  }
}

ChannelRange PlacementPlan::Resolve(ValueId id) const {
  const Value& value = graph_.value(id);
  HEADROOM_CHECK(!value.is_concat(), "a concatenation has no single range");
  if (value.is_slice()) return {value.slice_of, value.first_channel, value.channels};
  return {id, 0, value.channels};
}

std::vector<ChannelRange> PlacementPlan::Flatten(ValueId id) const {
  const Value& value = graph_.value(id);
  if (!value.is_concat()) return {Resolve(id)};
  std::vector<ChannelRange> ranges;
  for (const ValueId part : value.parts) ranges.push_back(Resolve(part));
  return ranges;
}

void PlacementPlan::AddDense(const ChannelRange& range) {
  auto& places = places_[static_cast<std::size_t>(range.root)];
  for (const Place& place : places) {
    if (place.is_dense() && place.range == range) return;
  }
  places.push_back({.range = range, .dense = dense_count_++});
}

void PlacementPlan::AddConcat(ValueId concat) {
  auto& parts = parts_[static_cast<std::size_t>(concat)];
  if (!parts.empty()) return;
  std::int64_t channel = 0;
  for (const ChannelRange& range : Flatten(concat)) {
    ConcatPart* last = parts.empty() ? nullptr : &parts.back();
    if (last != nullptr && last->range.root == range.root &&
        last->range.first + last->range.count == range.first) {
      last->range.count += range.count;
    } else {
      parts.push_back({range, channel});
    }
    channel += range.count;
  }
  for (const ConcatPart& part : parts) {
    places_[static_cast<std::size_t>(part.range.root)].push_back(
        {.range = part.range, .concat = concat, .concat_channel = part.concat_channel});
  }
}

// Readers that take any place need one that holds their channels.
void PlacementPlan::CoverLooseReaders() {
  for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
    if (!Needed(id)) continue;
    for (const NodeInput& input : graph_.node(id).inputs) {
      if (graph_.value(input.value).is_concat()) continue;
      const ChannelRange range = Resolve(input.value);
      const auto& places = places_[static_cast<std::size_t>(range.root)];
      const bool covered = std::any_of(places.begin(), places.end(), [&](const Place& place) {
        return place.range.Contains(range);
      });
      if (!covered) AddDense(range);
    }
  }
}

std::size_t PlacementPlan::DenseOf(const ChannelRange& range) const {
  for (const Place& place : places_[static_cast<std::size_t>(range.root)]) {
    if (place.is_dense() && place.range == range) return place.dense;
  }
  HEADROOM_CHECK(false, "no dense tensor was planned for the range");
  return 0;
}

}  // namespace headroom
