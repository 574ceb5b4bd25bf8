// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/module_walk.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

constexpr std::size_t kLongestName = 512;
constexpr std::size_t kMostModules = std::size_t{1} << 17;

bool IsIdentity(const PickleNode* node) {
  const auto* object = node != nullptr ? node->As<PickleObject>() : nullptr;
  return object != nullptr && object->type->name == "Identity";
}

class Walk {
 public:
  Status Visit(const PickleNode& module, const std::string& prefix) {
    if (++modules_ > kMostModules || prefix.size() > kLongestName) {
      return Failure{"the network has too many modules"};
    }
    if (!Collect(module.Find("_parameters"), prefix, true, nullptr) ||
        !Collect(module.Find("_buffers"), prefix, false,
                 module.Find("_non_persistent_buffers_set"))) {
      return Failure{fmt::format("module {} has a parameter that is no tensor", prefix)};
    }
    const PickleNode* children = module.Find("_modules");
    const PickleDict* fields = children != nullptr ? children->As<PickleDict>() : nullptr;
    if (fields == nullptr) return Unit{};
    if (IsIdentity(children->Find("act")))
      result_.linear_convs.insert(prefix.substr(0, prefix.size() - 1));
    for (const auto& [key, child] : fields->items) {
      if (key->Text() == nullptr || child->IsNone()) continue;
      if (Status done = Visit(*child, prefix + *key->Text() + '.'); !done) return done;
    }
    return Unit{};
  }

  ModuleTensors Take() { return std::move(result_); }

 private:
  bool Collect(const PickleNode* dict, const std::string& prefix, bool is_parameter,
               const PickleNode* left_out) {
    const PickleDict* fields = dict != nullptr ? dict->As<PickleDict>() : nullptr;
    if (fields == nullptr) return true;
    for (const auto& [key, value] : fields->items) {
      const std::string* name = key->Text();
      if (name == nullptr || name->size() > kLongestName) return false;
      if (value->IsNone() || IsListed(left_out, *name)) continue;
      if (value->Tensor() == nullptr) return false;
      result_.tensors.push_back({prefix + *name, value->Tensor(), is_parameter});
    }
    return true;
  }

  static bool IsListed(const PickleNode* names, const std::string& name) {
    if (names == nullptr) return false;
    return std::ranges::any_of(names->Items(), [&](const PickleNode* item) {
      return item->Text() != nullptr && *item->Text() == name;
    });
  }

  ModuleTensors result_;
  std::size_t modules_ = 0;
};

}  // namespace

Result<ModuleTensors> WalkModule(const PickleNode& module) {
  Walk walk;
  if (Status done = walk.Visit(module, ""); !done) return Failure{done.error()};
  return walk.Take();
}

}  // namespace headroom
