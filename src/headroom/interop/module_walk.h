// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/module_tree.h"
#include "headroom/core/result.h"
#include "headroom/interop/pickle_value.h"

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

struct ModuleTensor {
  std::string name;
  const PickleTensor* tensor = nullptr;
  bool is_parameter = false;
};

struct WalkedModule {
  std::vector<ModuleTensor> tensors;  // In state_dict() order.
  ModuleTree tree;
};

// Reads a pickled torch.nn.Module: its tensors, named as its state_dict() would (parameters, then
// persistent buffers, then children), and everything else that it says of itself. A shared child is
// walked wherever it stands. Fails for names above 512 bytes and when there are more than 2^17
// modules.
[[nodiscard]] Result<WalkedModule> WalkModule(const PickleNode& module);

}  // namespace headroom
