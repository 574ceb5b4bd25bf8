// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace headroom {

// What must be known of an ONNX file before it is given to a runtime.
struct OnnxSummary {
  std::vector<std::pair<std::string, std::string>> metadata;  // metadata_props
  std::set<std::string, std::less<>> operators;               // Types of the graph's nodes.
  bool half = false;                                          // It has fp16 weights.
  bool split_by_input = false;  // A Split has its sizes as an input: opset 13 and later.
};

// Walks the file's protobuf structure; weights are passed over. A file that is cut or is no ONNX
// model is a failure.
[[nodiscard]] Result<OnnxSummary> SummarizeOnnx(std::span<const std::byte> file);

}  // namespace headroom
