// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/module_description.h"

namespace headroom {
namespace {

class Maker {
 public:
  Maker(PickleHeap& heap, WeightType type) : heap_(heap), type_(type) {}

  PickleNode* Make(const ModuleDescription& description) {
    const bool shared = description.name == "SiLU";
    if (shared && silu_ != nullptr) return silu_;
    PickleNode* state = State(description);
    PickleNode* object = heap_.Object(description.module, description.name, state);
    if (shared) silu_ = object;
    return object;
  }

 private:
  // Fields in the order of torch 2.14.
  PickleNode* State(const ModuleDescription& description) {
    PickleNode* state = heap_.Dict();
    heap_.Set(state, "training", heap_.Bool(false));
    heap_.Set(state, "_parameters", Tensors(description.parameters, true));
    heap_.Set(state, "_buffers", Tensors(description.buffers, false));
    heap_.Set(state, "_non_persistent_buffers_set", heap_.Set());
    for (const char* hooks : {"_backward_pre_hooks", "_backward_hooks"}) {
      heap_.Set(state, hooks, heap_.OrderedDict());
    }
    heap_.Set(state, "_is_full_backward_hook", heap_.None());
    for (const char* hooks :
         {"_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called",
          "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_state_dict_hooks",
          "_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks"}) {
      heap_.Set(state, hooks, heap_.OrderedDict());
    }
    PickleNode* children = heap_.Dict();
    for (const auto& [name, child] : description.children) heap_.Set(children, name, Make(child));
    heap_.Set(state, "_modules", children);
    for (const auto& [name, value] : description.fields) heap_.Set(state, name, value);
    return state;
  }

  PickleNode* Tensors(const std::vector<std::pair<std::string, const TensorData*>>& tensors,
                      bool parameters) {
    PickleNode* dict = heap_.Dict();
    for (const auto& [name, tensor] : tensors) {
      heap_.Set(dict, name, tensor == nullptr ? heap_.None() : Tensor(*tensor, parameters));
    }
    return dict;
  }

  PickleNode* Tensor(const TensorData& tensor, bool parameter) {
    const bool half =
        type_ == WeightType::kHalf && tensor.type() == DataType::kFloat32 && !OverflowsHalf(tensor);
    const auto written_as = half ? std::optional(DataType::kFloat16) : std::nullopt;
    return parameter ? heap_.Parameter(tensor, written_as) : heap_.Tensor(tensor, written_as);
  }

  PickleHeap& heap_;
  WeightType type_;
  PickleNode* silu_ = nullptr;
};

}  // namespace

std::int64_t ModuleDescription::ParameterCount() const {
  std::int64_t count = 0;
  for (const auto& [key, tensor] : parameters) count += tensor != nullptr ? tensor->count() : 0;
  for (const auto& [key, child] : children) count += child.ParameterCount();
  return count;
}

PickleNode* MakeModule(PickleHeap& heap, const ModuleDescription& description, WeightType type) {
  return Maker(heap, type).Make(description);
}

}  // namespace headroom
