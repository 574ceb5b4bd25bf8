// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/memory_tag.h"

#include <array>

namespace headroom {

std::string_view Name(MemoryTag tag) {
  static constexpr std::array<std::string_view, kMemoryTagCount> kNames = {
      "other",     "weights",    "gradients", "optimizer",   "ema",         "activations",
      "workspace", "loss",       "labels",    "image cache", "mosaic pool", "batches",
      "decode",    "validation", "plots",     "checkpoint",  "runtime",     "free blocks"};
  return kNames[static_cast<std::size_t>(tag)];
}

std::string_view Name(MemoryPlace place) { return place == MemoryPlace::kHost ? "host" : "device"; }

}  // namespace headroom
