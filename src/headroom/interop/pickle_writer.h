// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/interop/pickle_value.h"

#include <string>
#include <vector>

namespace headroom {

// The storages that a pickle refers to, in the order of their keys "0", "1", ...
struct PickledStorage {
  PickleStorage source;
  DataType written_as = DataType::kFloat32;  // What the file must hold.
};

struct Pickled {
  std::string text;
  std::vector<PickledStorage> storages;
};

// Writes a value as Python's pickle protocol 2, the way torch.save does: storages by persistent id,
// tensors through torch._utils, objects as NEWOBJ + BUILD. A node that is met twice is written once
// and then referred to, so that shared objects stay shared; equal texts below 64 bytes are shared
// too. Two tensors over the same bytes share a storage. Memory: the pickle (200 kB for YOLO11n) and
// about 50 bytes a node. InternalError for a tensor that is not contiguous, and for cycles.
[[nodiscard]] Pickled WritePickle(const PickleNode& root);

}  // namespace headroom
