// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/interop/tensor_data.h"

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace headroom {

struct SafetensorsContents {
  std::vector<std::pair<std::string, TensorData>> tensors;  // As they lie in the file; views.
  std::map<std::string, std::string> metadata;
};

// Whether the bytes begin as a safetensors file does: a plausible header size, then '{'.
[[nodiscard]] bool LooksLikeSafetensors(std::span<const std::byte> file);

// Reads a safetensors file (format of huggingface/safetensors 0.5: 8 bytes of header size, a JSON
// header, the data) out of bytes that the caller keeps alive. Offsets and shapes are checked;
// headers above 16 MiB and types that we do not know are refused.
[[nodiscard]] Result<SafetensorsContents> ReadSafetensors(std::span<const std::byte> file);

}  // namespace headroom
