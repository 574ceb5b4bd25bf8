// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/pickle_reader.h"

#include "headroom/interop/pickle_machine.h"

namespace headroom {

Result<PickleNode*> ReadPickle(std::span<const std::byte> pickle, PickleHeap& heap,
                               const StorageLookup& storages, const PickleReadOptions& options) {
  internal::PickleMachine machine(pickle, heap, storages, options);
  PickleNode* root = machine.Run();
  if (root == nullptr) return Failure{machine.error()};
  return root;
}

}  // namespace headroom
