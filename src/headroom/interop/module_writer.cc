// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/module_writer.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

// Every absent activation is an object of its own.
bool IsShared(const ModuleTree::Child& child) {
  return child.name == "act" && child.module.children.empty() &&
         !child.module.type.ends_with(".Identity");
}

}  // namespace

PickleNode* ModuleWriter::Write(const ModuleTree& tree, const std::string& prefix,
                                const PickleFields& fields) {
  PickleFields children;
  for (const ModuleTree::Child& child : tree.children)
    children.emplace_back(child.name, WriteChild(child, prefix));
  return WriteObject(tree, prefix, children, fields);
}

PickleNode* ModuleWriter::WriteParent(const ModuleTree& tree, const PickleFields& children,
                                      const PickleFields& fields) {
  return WriteObject(tree, "", children, fields);
}

PickleNode* ModuleWriter::WriteChild(const ModuleTree::Child& child, const std::string& prefix) {
  const std::string below = prefix + child.name + '.';
  if (!IsShared(child)) return Write(child.module, below);
  const auto same = std::ranges::find_if(activations_, [&](const auto& one) {
    return one.first->type == child.module.type && one.first->attributes == child.module.attributes;
  });
  if (same != activations_.end()) return same->second;
  return activations_.emplace_back(&child.module, Write(child.module, below)).second;
}

// Fields in the order of torch 2.14.
PickleNode* ModuleWriter::WriteObject(const ModuleTree& tree, const std::string& prefix,
                                      const PickleFields& children, const PickleFields& fields) {
  PickleNode* state = heap_.Dict();
  heap_.Set(state, "training", heap_.Bool(false));
  heap_.Set(state, "_parameters", WriteParameters(tree, prefix));
  heap_.Set(state, "_buffers", WriteBuffers(tree, prefix));
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
  PickleNode* modules = heap_.Dict();
  for (const auto& [name, child] : children) heap_.Set(modules, name, child);
  heap_.Set(state, "_modules", modules);
  for (const auto& [name, value] : tree.attributes) heap_.Set(state, name, WriteValue(value));
  for (const auto& [name, values] : tree.tensor_attributes) {
    heap_.Set(
        state, name,
        heap_.Tensor(TensorData::FromFloats({static_cast<std::int64_t>(values.size())}, values)));
  }
  for (const auto& [name, value] : fields) heap_.Set(state, name, value);
  const std::size_t dot = tree.type.rfind('.');
  HEADROOM_CHECK(dot != std::string::npos,
                 fmt::format("'{}' names no class of a Python module", tree.type));
  return heap_.Object(std::string_view(tree.type).substr(0, dot),
                      std::string_view(tree.type).substr(dot + 1), state);
}

PickleNode* ModuleWriter::WriteParameters(const ModuleTree& tree, const std::string& prefix) {
  PickleNode* dict = heap_.Dict();
  for (const auto& [name, is_there] : tree.parameters) {
    if (!is_there) {
      heap_.Set(dict, name, heap_.None());
      continue;
    }
    const TensorData& tensor = Tensor(prefix + name);
    heap_.Set(dict, name, heap_.Parameter(tensor, WrittenAs(tensor)));
  }
  return dict;
}

PickleNode* ModuleWriter::WriteBuffers(const ModuleTree& tree, const std::string& prefix) {
  PickleNode* dict = heap_.Dict();
  for (const std::string& name : tree.buffers) {
    const TensorData& tensor = Tensor(prefix + name);
    heap_.Set(dict, name, heap_.Tensor(tensor, WrittenAs(tensor)));
  }
  return dict;
}

PickleNode* ModuleWriter::WriteValue(const OptionValue& value) {
  if (value.is_null()) return heap_.None();
  if (value.is_bool()) return heap_.Bool(value.AsBool());
  if (value.is_int()) return heap_.Int(value.AsInt());
  if (value.is_float()) return heap_.Float(value.AsDouble());
  if (value.is_string()) return heap_.Text(value.AsString());
  PickleItems items;
  for (const OptionValue& item : value.Items()) items.push_back(WriteValue(item));
  return heap_.Tuple(std::move(items));
}

const TensorData& ModuleWriter::Tensor(const std::string& name) const {
  const auto at = tensors_.find(name);
  HEADROOM_CHECK(at != tensors_.end(), fmt::format("the network has no tensor {}", name));
  return *at->second;
}

std::optional<DataType> ModuleWriter::WrittenAs(const TensorData& tensor) const {
  const bool half =
      type_ == WeightType::kHalf && tensor.type() == DataType::kFloat32 && !OverflowsHalf(tensor);
  return half ? std::optional(DataType::kFloat16) : std::nullopt;
}

std::int64_t ModuleWriter::CountParameters(const ModuleTree& tree,
                                           const std::string& prefix) const {
  std::int64_t count = 0;
  for (const auto& [name, is_there] : tree.parameters)
    count += is_there ? Tensor(prefix + name).count() : 0;
  for (const ModuleTree::Child& child : tree.children)
    count += CountParameters(child.module, prefix + child.name + '.');
  return count;
}

}  // namespace headroom
