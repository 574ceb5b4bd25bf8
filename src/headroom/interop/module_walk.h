// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/interop/pickle_value.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace headroom {

struct ModuleTensor {
  std::string name;
  const PickleTensor* tensor = nullptr;
  bool is_parameter = false;
};

struct ModuleTensors {
  std::vector<ModuleTensor> tensors;                // In state_dict() order.
  std::set<std::string, std::less<>> linear_convs;  // Modules whose child `act` is an Identity.
};

// Names the tensors of a pickled torch.nn.Module as its state_dict() would: parameters, then
// persistent buffers, then children. A shared child is walked wherever it stands. Fails for names
// above 512 bytes and when there are more than 2^17 modules.
[[nodiscard]] Result<ModuleTensors> WalkModule(const PickleNode& module);

}  // namespace headroom
