// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/interop/pickle_value.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace headroom {

struct PickleReadOptions {
  std::size_t most_nodes = std::size_t{1} << 22;
  std::uint32_t most_height = 256;  // Containers inside one another.
};

// The bytes of the storage that a pickle refers to by its key ("0", "1", ...).
using StorageLookup = std::function<Result<std::span<const std::byte>>(std::string_view key)>;

// Reads one pickle (protocol 0's text opcodes excepted) into the heap and gives its root. Nothing
// is executed: globals are names from a fixed list (pickle_globals.h), and any other is refused by
// name. Every count and offset is checked against the bytes; tensors must lie inside their
// storages; self-reference, too deep nesting and pickles that expand to more than 64 times their
// size are refused. Text is copied; storages are views. Memory: below 64 bytes a node, at most one
// node a byte and most_nodes in all.
[[nodiscard]] Result<PickleNode*> ReadPickle(std::span<const std::byte> pickle, PickleHeap& heap,
                                             const StorageLookup& storages,
                                             const PickleReadOptions& options = {});

}  // namespace headroom
