// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/module_tree.h"
#include "headroom/interop/pickle_value.h"
#include "headroom/interop/tensor_data.h"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace headroom {

// How float32 tensors are written.
enum class WeightType : std::uint8_t {
  kFloat32,
  kHalf,  // As float16, but a tensor whose finite values float16 cannot hold stays float32.
};

// Tensors by state-dict name.
using TensorsByName = std::unordered_map<std::string, const TensorData*>;
// Fields of an object beside those that its tree names.
using PickleFields = std::vector<std::pair<std::string, PickleNode*>>;

// Writes any tree of modules: objects with all fields of torch 2.14's Module (older versions ignore
// the ones that they do not know) and their own. Equal activations of blocks become one shared
// object, as in the reference. The tensors' bytes must live until the pickle is written; a tensor
// that the tree names and that is not there is an InternalError.
class ModuleWriter {
 public:
  ModuleWriter(PickleHeap& heap, const TensorsByName& tensors, WeightType type)
      : heap_(heap), tensors_(tensors), type_(type) {}

  // `prefix`: of the state-dict names below it, "model.0.", or empty.
  [[nodiscard]] PickleNode* Write(const ModuleTree& tree, const std::string& prefix,
                                  const PickleFields& fields = {});
  // An object whose children are there already.
  [[nodiscard]] PickleNode* WriteParent(const ModuleTree& tree, const PickleFields& children,
                                        const PickleFields& fields);
  // Elements of all parameters below it.
  [[nodiscard]] std::int64_t CountParameters(const ModuleTree& tree,
                                             const std::string& prefix) const;

 private:
  [[nodiscard]] PickleNode* WriteObject(const ModuleTree& tree, const std::string& prefix,
                                        const PickleFields& children, const PickleFields& fields);
  [[nodiscard]] PickleNode* WriteChild(const ModuleTree::Child& child, const std::string& prefix);
  [[nodiscard]] PickleNode* WriteParameters(const ModuleTree& tree, const std::string& prefix);
  [[nodiscard]] PickleNode* WriteBuffers(const ModuleTree& tree, const std::string& prefix);
  [[nodiscard]] PickleNode* WriteValue(const OptionValue& value);
  [[nodiscard]] const TensorData& Tensor(const std::string& name) const;
  [[nodiscard]] std::optional<DataType> WrittenAs(const TensorData& tensor) const;

  PickleHeap& heap_;
  const TensorsByName& tensors_;
  WeightType type_;
  std::vector<std::pair<const ModuleTree*, PickleNode*>> activations_;  // Shared ones, so far.
};

}  // namespace headroom
