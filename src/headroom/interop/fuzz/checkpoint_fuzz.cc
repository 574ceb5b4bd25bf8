// SPDX-License-Identifier: Apache-2.0
// The whole reader on a file's bytes: ZIP, pickle, network, optimizer; and safetensors. Checksums
// stop most changed archives, so pickle_fuzz goes past them.
#include "headroom/interop/optimizer_state.h"
#include "headroom/interop/ultralytics_checkpoint.h"

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto contents = headroom::ParseCheckpoint(std::as_bytes(std::span(data, size)));
  if (contents && contents->optimizer != nullptr) {
    static_cast<void>(headroom::ReadOptimizerState(*contents->optimizer));
  }
  return 0;
}
