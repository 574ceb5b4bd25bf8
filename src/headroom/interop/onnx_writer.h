// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/file.h"
#include "headroom/interop/tensor_data.h"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace headroom {

struct OnnxAttribute {
  std::string name;
  // Tensors are not copied and must live until the model is written.
  std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>,
               const TensorData*>
      value;
};

struct OnnxNode {
  std::string op_type;
  std::string name;
  std::vector<std::string> inputs;  // Empty text for an optional input that is left out.
  std::vector<std::string> outputs;
  std::vector<OnnxAttribute> attributes;
};

// A graph's input, output or intermediate value. A dimension is a size, or a name when it is free.
struct OnnxValue {
  std::string name;
  DataType type = DataType::kFloat32;
  std::vector<std::variant<std::int64_t, std::string>> shape;
};

struct OnnxModel {
  std::int64_t ir_version = 8;
  std::int64_t opset = 12;
  std::string producer_name = "headroom";
  std::string producer_version;
  std::string graph_name = "main_graph";
  std::vector<OnnxNode> nodes;  // In an order in which they can run.
  std::vector<std::pair<std::string, const TensorData*>> initializers;
  std::vector<OnnxValue> inputs;
  std::vector<OnnxValue> outputs;
  std::vector<OnnxValue> values;  // Shapes of intermediate values, for viewers.
  std::vector<std::pair<std::string, std::string>> metadata;  // metadata_props, in this order.
};

// Writes an ONNX file (onnx/onnx.proto, fields by number; no protobuf library). Tensors go from
// where they are to the file: the memory is that of the graph without them. Throws WriteError;
// InternalError above protobuf's limit of 2 GiB. The graph is not checked.
void WriteOnnx(FileWriter& file, const OnnxModel& model);

}  // namespace headroom
