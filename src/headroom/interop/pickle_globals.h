// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/interop/tensor_data.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace headroom {

// What a global of a pickle means to us. Nothing of it is ever executed.
enum class GlobalRole : std::uint8_t {
  kClass,        // Instances are kept as name, arguments and state.
  kOrderedDict,  // collections.OrderedDict, collections.defaultdict
  kSet,          // set, frozenset
  kTuple,        // torch.Size
  kBytes,        // _codecs.encode: how protocol 2 spells bytes
  kTensor,       // torch._utils._rebuild_tensor_v2 and its like
  kParameter,    // torch._utils._rebuild_parameter
  kStorage,      // torch.FloatStorage and its like
  kNumpyScalar,  // numpy.core.multiarray.scalar
  kIgnored,      // Stands as an argument only (dict, int, torch.float32).
};

struct KnownGlobal {
  std::string_view module;
  std::string_view name;
  GlobalRole role = GlobalRole::kClass;
  DataType type = DataType::kFloat32;  // kStorage only.
};

// The fixed list: what files of torch and of Ultralytics 8.0 to 8.4 refer to. Null for anything
// else, which a reader must refuse. The result lives as long as the program. Thread-safe.
[[nodiscard]] const KnownGlobal* FindGlobal(std::string_view module, std::string_view name);

// The storage class that torch names for a type: torch.HalfStorage for kFloat16.
[[nodiscard]] const KnownGlobal& StorageGlobal(DataType type);

}  // namespace headroom
