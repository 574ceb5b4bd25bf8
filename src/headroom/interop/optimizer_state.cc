// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/optimizer_state.h"

#include <algorithm>
#include <set>

namespace headroom {
namespace {

Result<OptimizerGroup> ReadGroup(const PickleNode& node) {
  const auto* fields = node.As<PickleDict>();
  if (fields == nullptr) return Failure{"an optimizer group is not a dict"};
  OptimizerGroup group;
  for (const auto& [key, value] : fields->items) {
    if (key->Text() == nullptr) return Failure{"an optimizer option has no name"};
    if (*key->Text() != "params") {
      group.options.emplace_back(*key->Text(), value);
      continue;
    }
    for (const PickleNode* item : value->Items()) {
      if (!item->Int()) return Failure{"an optimizer group names a parameter without an index"};
      group.parameters.push_back(*item->Int());
    }
  }
  return group;
}

// Storages that had to be copied: none is copied twice, so copies stay below the file's size.
using CopiedStorages = std::set<const std::byte*>;

Result<OptimizerSlot> ReadSlot(const PickleNode& key, const PickleNode& value,
                               CopiedStorages* copied) {
  const auto* fields = value.As<PickleDict>();
  if (fields == nullptr || !key.Int()) return Failure{"an optimizer slot is not a dict"};
  OptimizerSlot slot;
  slot.parameter = *key.Int();
  for (const auto& [name, item] : fields->items) {
    if (name->Text() == nullptr) return Failure{"an optimizer slot has a value without a name"};
    if (const PickleTensor* tensor = item->Tensor()) {
      if (!IsRowMajor(*tensor) && !copied->insert(tensor->storage.bytes.data()).second) {
        return Failure{"two optimizer slots share a storage"};
      }
      slot.tensors.emplace_back(*name->Text(), Contiguous(*tensor));
    } else if (const auto number = item->Number()) {
      const auto step = static_cast<float>(*number);
      slot.tensors.emplace_back(*name->Text(), TensorData::FromFloats({}, {&step, 1}));
    }
  }
  return slot;
}

}  // namespace

const PickleNode* OptimizerGroup::Find(std::string_view name) const {
  const auto at =
      std::ranges::find(options, name, &std::pair<std::string, const PickleNode*>::first);
  return at != options.end() ? at->second : nullptr;
}

Result<OptimizerState> ReadOptimizerState(const PickleNode& node) {
  const PickleNode* slots = node.Find("state");
  const PickleNode* groups = node.Find("param_groups");
  if (slots == nullptr || slots->As<PickleDict>() == nullptr || groups == nullptr) {
    return Failure{"the optimizer has no state and param_groups"};
  }
  OptimizerState state;
  for (const PickleNode* item : groups->Items()) {
    auto group = ReadGroup(*item);
    if (!group) return Failure{group.error()};
    state.groups.push_back(std::move(*group));
  }
  CopiedStorages copied;
  for (const auto& [key, value] : slots->As<PickleDict>()->items) {
    auto slot = ReadSlot(*key, *value, &copied);
    if (!slot) return Failure{slot.error()};
    state.slots.push_back(std::move(*slot));
  }
  return state;
}

PickleNode* MakeOptimizerState(PickleHeap& heap, const OptimizerState& state, SlotType type) {
  PickleNode* slots = heap.Dict();
  for (const OptimizerSlot& slot : state.slots) {
    PickleNode* fields = heap.Dict();
    for (const auto& [name, tensor] : slot.tensors) {
      const bool half = type == SlotType::kHalf && name != "step" &&
                        tensor.type() == DataType::kFloat32 && !OverflowsHalf(tensor);
      heap.Set(fields, name,
               heap.Tensor(tensor, half ? std::optional(DataType::kFloat16) : std::nullopt));
    }
    slots->As<PickleDict>()->items.emplace_back(heap.Int(slot.parameter), fields);
  }
  PickleNode* groups = heap.List();
  for (const OptimizerGroup& group : state.groups) {
    PickleNode* fields = heap.Dict();
    // The tree of a writer is never changed through the copied pointers.
    for (const auto& [name, value] : group.options)
      heap.Set(fields, name, const_cast<PickleNode*>(value));
    heap.Set(fields, "params", heap.IntList(group.parameters));
    groups->As<PickleList>()->items.push_back(fields);
  }
  PickleNode* node = heap.Dict();
  heap.Set(node, "state", slots);
  heap.Set(node, "param_groups", groups);
  return node;
}

}  // namespace headroom
