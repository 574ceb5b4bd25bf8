// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/optimizer_state.h"

#include <algorithm>
#include <map>

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

// Bytes that had to be copied out of each storage: at most its own size, so that all copies stay
// below the file's.
class CopiedBytes {
 public:
  [[nodiscard]] bool Take(const PickleTensor& tensor) {
    const auto count = static_cast<std::uint64_t>(ElementCount(tensor.shape).value_or(0));
    std::uint64_t& copied = copied_[tensor.storage.bytes.data()];
    copied += count * ElementSize(tensor.storage.type);
    return copied <= tensor.storage.bytes.size();
  }

 private:
  std::map<const std::byte*, std::uint64_t> copied_;
};

Result<OptimizerSlot> ReadSlot(const PickleNode& key, const PickleNode& value,
                               CopiedBytes* copied) {
  const auto* fields = value.As<PickleDict>();
  if (fields == nullptr || !key.Int()) return Failure{"an optimizer slot is not a dict"};
  OptimizerSlot slot;
  slot.parameter = *key.Int();
  for (const auto& [name, item] : fields->items) {
    if (name->Text() == nullptr) return Failure{"an optimizer slot has a value without a name"};
    if (const PickleTensor* tensor = item->Tensor()) {
      if (!IsRowMajor(*tensor) && !copied->Take(*tensor))
        return Failure{"optimizer slots overlap in a storage"};
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
  CopiedBytes copied;
  for (const auto& [key, value] : slots->As<PickleDict>()->items) {
    auto slot = ReadSlot(*key, *value, &copied);
    if (!slot) return Failure{slot.error()};
    state.slots.push_back(std::move(*slot));
  }
  return state;
}

}  // namespace headroom
