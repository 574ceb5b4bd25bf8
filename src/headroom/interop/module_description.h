// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/interop/pickle_value.h"
#include "headroom/interop/tensor_data.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace headroom {

// A torch.nn.Module as a pickle describes it: its class, what it holds, and its own fields beside
// those of torch's Module.
struct ModuleDescription {
  std::string_view module;  // "torch.nn.modules.conv"; static text.
  std::string_view name;    // "Conv2d"
  std::vector<std::pair<std::string, const TensorData*>> parameters;  // Null for a None entry.
  std::vector<std::pair<std::string, const TensorData*>> buffers;
  struct Child;
  std::vector<Child> children;
  std::vector<std::pair<std::string, PickleNode*>> fields;

  // Elements of all parameters below it.
  [[nodiscard]] std::int64_t ParameterCount() const;
};

struct ModuleDescription::Child {
  std::string name;
  ModuleDescription module;
};

// How float32 tensors are written.
enum class WeightType : std::uint8_t {
  kFloat32,
  kHalf,  // As float16, but a tensor whose finite values float16 cannot hold stays float32.
};

// The pickle of the module: an object with all fields of torch 2.14's Module (older versions ignore
// the ones that they do not know) and its own. All SiLU modules become one shared object, as in the
// reference. The tensors' bytes must live until the pickle is written.
[[nodiscard]] PickleNode* MakeModule(PickleHeap& heap, const ModuleDescription& description,
                                     WeightType type);

// Tensors by state-dict name.
using TensorsByName = std::unordered_map<std::string, const TensorData*>;

}  // namespace headroom
