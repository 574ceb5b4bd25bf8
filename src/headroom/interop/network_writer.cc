// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/network_writer.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

#include <set>

namespace headroom {
namespace {

// What each row of the YAML reads, as it is written there: an index or a list of them.
Result<std::vector<PickleNode*>> ReadSources(const PickleNode& yaml) {
  std::vector<PickleNode*> sources;
  for (const char* part : {"backbone", "head"}) {
    const PickleNode* list = yaml.Find(part);
    if (list == nullptr) return Failure{fmt::format("the model YAML has no {}", part)};
    for (const PickleNode* item : list->Items()) {
      const auto fields = item->Items();
      if (fields.size() != 4) {
        return Failure{fmt::format(
            "layer {} of the model YAML is not [from, repeats, module, args]", sources.size())};
      }
      sources.push_back(fields[0]);
    }
  }
  return sources;
}

// The layers that some row names, other than by -1: their outputs are kept.
std::vector<std::int64_t> SavedOutputs(const std::vector<PickleNode*>& sources) {
  std::set<std::int64_t> saved;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto add = [&](const PickleNode& node) {
      const std::int64_t source = node.Int().value_or(-1);
      const std::int64_t absolute = source < 0 ? static_cast<std::int64_t>(i) + source : source;
      if (source != -1 && absolute >= 0) saved.insert(absolute);
    };
    if (sources[i]->Int()) add(*sources[i]);
    for (const PickleNode* item : sources[i]->Items()) add(*item);
  }
  return {saved.begin(), saved.end()};
}

class NetworkWriter {
 public:
  NetworkWriter(PickleHeap& heap, const NetworkFacts& facts, const TensorsByName& tensors,
                WeightType type)
      : heap_(heap), facts_(facts), modules_(heap, tensors, type) {}

  Result<PickleNode*> Write() {
    const auto sources = ReadSources(*facts_.yaml);
    if (!sources) return Failure{sources.error()};
    if (sources->size() != facts_.layers->children.size()) {
      return Failure{fmt::format("the model YAML has {} rows, the network {} layers",
                                 sources->size(), facts_.layers->children.size())};
    }
    PickleFields layers;
    for (std::size_t i = 0; i < sources->size(); ++i)
      layers.emplace_back(std::to_string(i), WriteLayer(i, (*sources)[i]));
    const ModuleTree model{.type = "ultralytics.nn.tasks.DetectionModel"};
    return modules_.WriteParent(
        model, {{"model", modules_.WriteParent(*facts_.layers, layers, {})}}, Fields(*sources));
  }

 private:
  [[nodiscard]] PickleNode* WriteLayer(std::size_t index, PickleNode* from) {
    const ModuleTree& layer = facts_.layers->children[index].module;
    // A repeated module stands in a Sequential; its type is its own.
    const bool is_stack = layer.type.ends_with(".Sequential") && !layer.children.empty();
    const std::string prefix = fmt::format("model.{}.", index);
    return modules_.Write(
        layer, prefix,
        {{"np", heap_.Int(modules_.CountParameters(layer, prefix))},
         {"i", heap_.Int(static_cast<std::int64_t>(index))},
         {"f", from},
         {"type", heap_.Text(is_stack ? layer.children[0].module.type : layer.type)}});
  }

  [[nodiscard]] PickleFields Fields(const std::vector<PickleNode*>& sources) {
    PickleNode* names = heap_.Dict();
    for (std::size_t i = 0; i < facts_.names.size(); ++i) {
      PickleNode* key = heap_.Int(static_cast<std::int64_t>(i));
      names->As<PickleDict>()->items.emplace_back(key, heap_.Text(facts_.names[i]));
    }
    return {{"yaml", facts_.yaml},
            {"save", heap_.IntList(SavedOutputs(sources))},
            {"names", names},
            {"inplace", heap_.Bool(true)},
            {"stride", heap_.Tensor(TensorData::FromFloats(
                           {static_cast<std::int64_t>(facts_.strides.size())}, facts_.strides))},
            {"nc", heap_.Int(static_cast<std::int64_t>(facts_.names.size()))},
            {"args", facts_.args != nullptr ? facts_.args : heap_.Dict()},
            {"criterion", heap_.None()}};
  }

  PickleHeap& heap_;
  const NetworkFacts& facts_;
  ModuleWriter modules_;
};

}  // namespace

Result<PickleNode*> MakeDetectionModel(PickleHeap& heap, const NetworkFacts& facts,
                                       const TensorsByName& tensors, WeightType type) {
  HEADROOM_CHECK(facts.yaml != nullptr && facts.layers != nullptr,
                 "a network is written with its YAML and its layers");
  return NetworkWriter(heap, facts, tensors, type).Write();
}

}  // namespace headroom
