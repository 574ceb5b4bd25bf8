// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/module_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace headroom {
namespace {

constexpr std::size_t kLongestName = 512;
constexpr std::size_t kMostModules = std::size_t{1} << 17;
constexpr std::size_t kMostItems = 64;      // Of an attribute that is a list.
constexpr std::int64_t kMostElements = 64;  // Of an attribute that is a tensor.
constexpr std::size_t kMostAttributes = std::size_t{1} << 18;

// Numbers, texts, None and short sequences of those; nothing for anything else.
std::optional<OptionValue> PlainValue(const PickleNode& node, int depth = 0) {
  if (node.IsNone()) return OptionValue();
  if (const bool* flag = node.As<bool>()) return *flag;
  if (const double* real = node.As<double>()) return *real;
  if (const auto integer = node.Int()) return *integer;
  if (const std::string* text = node.Text())
    return text->size() <= kLongestName ? std::optional<OptionValue>(*text) : std::nullopt;
  const bool is_sequence = node.As<PickleList>() != nullptr || node.As<PickleTuple>() != nullptr;
  if (!is_sequence || depth > 1 || node.Items().size() > kMostItems) return std::nullopt;
  OptionValue::List items;
  for (const PickleNode* item : node.Items()) {
    auto value = PlainValue(*item, depth + 1);
    if (!value) return std::nullopt;
    items.push_back(std::move(*value));
  }
  return items;
}

bool IsShort(const PickleTensor* tensor) {
  return tensor != nullptr &&
         ElementCount(tensor->shape).value_or(kMostElements + 1) <= kMostElements;
}

// A field of every torch.nn.Module.
bool IsTorchs(std::string_view name) {
  constexpr std::string_view kNames[] = {"training",
                                         "_parameters",
                                         "_buffers",
                                         "_modules",
                                         "_non_persistent_buffers_set",
                                         "_is_full_backward_hook"};
  return std::ranges::find(kNames, name) != std::end(kNames) ||
         name.find("_hooks") != std::string_view::npos;
}

class Walk {
 public:
  Status Visit(const PickleNode& module, const std::string& prefix, ModuleTree* tree) {
    if (++modules_ > kMostModules || prefix.size() > kLongestName) {
      return Failure{"the network has too many modules"};
    }
    if (const auto* object = module.As<PickleObject>(); object != nullptr)
      tree->type = fmt::format("{}.{}", object->type->module, object->type->name);
    if (!CollectParameters(module, prefix, tree) || !CollectBuffers(module, prefix, tree)) {
      return Failure{fmt::format("module {} has a parameter that is no tensor", prefix)};
    }
    if (!CollectAttributes(module, tree))
      return Failure{"the network's modules have too many attributes"};
    const PickleNode* children = module.Find("_modules");
    const PickleDict* fields = children != nullptr ? children->As<PickleDict>() : nullptr;
    if (fields == nullptr) return Unit{};
    for (const auto& [key, child] : fields->items) {
      if (key->Text() == nullptr || child->IsNone()) continue;
      ModuleTree& below =
          tree->children.emplace_back(ModuleTree::Child{.name = *key->Text(), .module = {}}).module;
      if (Status done = Visit(*child, prefix + *key->Text() + '.', &below); !done) return done;
    }
    return Unit{};
  }

  WalkedModule result;

 private:
  bool CollectParameters(const PickleNode& module, const std::string& prefix, ModuleTree* tree) {
    const auto note = [tree](const std::string& name, bool is_there) {
      tree->parameters.emplace_back(name, is_there);
    };
    return Collect(module.Find("_parameters"), prefix, true, nullptr, note);
  }

  bool CollectBuffers(const PickleNode& module, const std::string& prefix, ModuleTree* tree) {
    const auto note = [tree](const std::string& name, bool is_there) {
      if (is_there) tree->buffers.push_back(name);
    };
    return Collect(module.Find("_buffers"), prefix, false,
                   module.Find("_non_persistent_buffers_set"), note);
  }

  template <typename Note>
  bool Collect(const PickleNode* dict, const std::string& prefix, bool is_parameter,
               const PickleNode* left_out, const Note& note) {
    const PickleDict* fields = dict != nullptr ? dict->As<PickleDict>() : nullptr;
    if (fields == nullptr) return true;
    for (const auto& [key, value] : fields->items) {
      const std::string* name = key->Text();
      if (name == nullptr || name->size() > kLongestName) return false;
      if (IsListed(left_out, *name)) continue;
      note(*name, !value->IsNone());
      if (value->IsNone()) continue;
      if (value->Tensor() == nullptr) return false;
      result.tensors.push_back({prefix + *name, value->Tensor(), is_parameter});
    }
    return true;
  }

  static bool IsListed(const PickleNode* names, const std::string& name) {
    if (names == nullptr) return false;
    return std::ranges::any_of(names->Items(), [&](const PickleNode* item) {
      return item->Text() != nullptr && *item->Text() == name;
    });
  }

  bool CollectAttributes(const PickleNode& module, ModuleTree* tree) {
    const PickleDict* fields = module.Fields();
    if (fields == nullptr) return true;
    for (const auto& [key, value] : fields->items) {
      const std::string* name = key->Text();
      if (name == nullptr || IsTorchs(*name)) continue;
      if (++attributes_ > kMostAttributes || name->size() > kLongestName) return false;
      if (auto plain = PlainValue(*value)) {
        tree->attributes.emplace_back(*name, std::move(*plain));
      } else if (IsShort(value->Tensor())) {
        tree->tensor_attributes.emplace_back(*name, AsFloats(Contiguous(*value->Tensor())));
      } else {
        tree->opaque.push_back(*name);
      }
    }
    return true;
  }

  std::size_t modules_ = 0;
  std::size_t attributes_ = 0;
};

}  // namespace

Result<WalkedModule> WalkModule(const PickleNode& module) {
  Walk walk;
  if (Status done = walk.Visit(module, "", &walk.result.tree); !done) return Failure{done.error()};
  return std::move(walk.result);
}

}  // namespace headroom
