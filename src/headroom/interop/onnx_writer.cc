// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/onnx_writer.h"

#include "headroom/core/check.h"

#include <bit>
#include <span>
#include <string_view>

namespace headroom {
namespace {

// A protobuf message under construction (protobuf encoding, proto2): its small fields as bytes, and
// between them references to large payloads, so that its size is known before it is written.
class Message {
 public:
  Message& Int(int field, std::int64_t value) {
    Tag(field, 0);
    Varint(static_cast<std::uint64_t>(value));
    return *this;
  }

  Message& Float(int field, float value) {
    Tag(field, 5);
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int i = 0; i < 4; ++i) Byte(bits >> (8 * i));
    return *this;
  }

  Message& Text(int field, std::string_view text) {
    Tag(field, 2);
    Varint(text.size());
    small_.append(text);
    size_ += text.size();
    return *this;
  }

  // Only referred to.
  Message& Payload(int field, std::span<const std::byte> bytes) {
    Tag(field, 2);
    Varint(bytes.size());
    payloads_.push_back({small_.size(), bytes});
    size_ += bytes.size();
    return *this;
  }

  Message& Add(int field, const Message& message) {
    Tag(field, 2);
    Varint(message.size_);
    for (const auto& [at, bytes] : message.payloads_)
      payloads_.push_back({small_.size() + at, bytes});
    small_ += message.small_;
    size_ += message.size_;
    return *this;
  }

  [[nodiscard]] std::uint64_t size() const { return size_; }

  void Write(FileWriter& file) const {
    std::size_t done = 0;
    for (const auto& [at, bytes] : payloads_) {
      file.Write(std::string_view(small_).substr(done, at - done));
      file.Write(bytes.data(), bytes.size());
      done = at;
    }
    file.Write(std::string_view(small_).substr(done));
  }

 private:
  struct Reference {
    std::size_t at;  // Offset in small_ before which it stands.
    std::span<const std::byte> bytes;
  };

  void Byte(std::uint64_t value) {
    small_.push_back(static_cast<char>(value));
    ++size_;
  }
  void Varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) Byte(value | 0x80);
    Byte(value);
  }
  void Tag(int field, int wire_type) {
    Varint(static_cast<std::uint64_t>(field) << 3 | static_cast<unsigned>(wire_type));
  }

  std::string small_;
  std::vector<Reference> payloads_;
  std::uint64_t size_ = 0;
};

// TensorProto.DataType
int TypeCode(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return 1;
    case DataType::kUInt8:
      return 2;
    case DataType::kInt8:
      return 3;
    case DataType::kInt16:
      return 5;
    case DataType::kInt32:
      return 6;
    case DataType::kInt64:
      return 7;
    case DataType::kBool:
      return 9;
    case DataType::kFloat16:
      return 10;
    case DataType::kFloat64:
      return 11;
    case DataType::kBFloat16:
      return 16;
  }
  return 0;
}

// TensorProto: dims 1, data_type 2, name 8, raw_data 9.
Message Tensor(std::string_view name, const TensorData& tensor) {
  Message message;
  for (const std::int64_t size : tensor.shape()) message.Int(1, size);
  message.Int(2, TypeCode(tensor.type()));
  if (!name.empty()) message.Text(8, name);
  return message.Payload(9, tensor.bytes());
}

// AttributeProto: name 1, f 2, i 3, s 4, t 5, floats 7, ints 8, type 20.
class AttributeWriter {
 public:
  explicit AttributeWriter(Message& message) : message_(message) {}

  void operator()(std::int64_t value) const { message_.Int(3, value).Int(20, 2); }
  void operator()(float value) const { message_.Float(2, value).Int(20, 1); }
  void operator()(const std::string& value) const { message_.Text(4, value).Int(20, 3); }
  void operator()(const TensorData* value) const { message_.Add(5, Tensor("", *value)).Int(20, 4); }
  void operator()(const std::vector<float>& values) const {
    for (const float value : values) message_.Float(7, value);
    message_.Int(20, 6);
  }
  void operator()(const std::vector<std::int64_t>& values) const {
    for (const std::int64_t value : values) message_.Int(8, value);
    message_.Int(20, 7);
  }

 private:
  Message& message_;
};

// NodeProto: input 1, output 2, name 3, op_type 4, attribute 5.
Message Node(const OnnxNode& node) {
  Message message;
  for (const std::string& input : node.inputs) message.Text(1, input);
  for (const std::string& output : node.outputs) message.Text(2, output);
  message.Text(3, node.name).Text(4, node.op_type);
  for (const OnnxAttribute& attribute : node.attributes) {
    Message value;
    value.Text(1, attribute.name);
    std::visit(AttributeWriter(value), attribute.value);
    message.Add(5, value);
  }
  return message;
}

// ValueInfoProto {name 1, type 2 {tensor_type 1 {elem_type 1, shape 2 {dim 1 {value 1, param 2}}}}}
Message Value(const OnnxValue& value) {
  Message shape;
  for (const auto& size : value.shape) {
    Message dimension;
    if (const auto* number = std::get_if<std::int64_t>(&size)) {
      dimension.Int(1, *number);
    } else {
      dimension.Text(2, std::get<std::string>(size));
    }
    shape.Add(1, dimension);
  }
  const Message tensor = Message().Int(1, TypeCode(value.type)).Add(2, shape);
  return Message().Text(1, value.name).Add(2, Message().Add(1, tensor));
}

// GraphProto: node 1, name 2, initializer 5, input 11, output 12, value_info 13.
Message Graph(const OnnxModel& model) {
  Message graph;
  for (const OnnxNode& node : model.nodes) graph.Add(1, Node(node));
  graph.Text(2, model.graph_name);
  for (const auto& [name, tensor] : model.initializers) graph.Add(5, Tensor(name, *tensor));
  for (const OnnxValue& value : model.inputs) graph.Add(11, Value(value));
  for (const OnnxValue& value : model.outputs) graph.Add(12, Value(value));
  for (const OnnxValue& value : model.values) graph.Add(13, Value(value));
  return graph;
}

}  // namespace

// ModelProto: ir_version 1, producer_name 2, producer_version 3, graph 7, opset_import 8,
// metadata_props 14.
void WriteOnnx(FileWriter& file, const OnnxModel& model) {
  Message message;
  message.Int(1, model.ir_version).Text(2, model.producer_name).Text(3, model.producer_version);
  message.Add(7, Graph(model)).Add(8, Message().Text(1, "").Int(2, model.opset));
  for (const auto& [key, value] : model.metadata)
    message.Add(14, Message().Text(1, key).Text(2, value));
  HEADROOM_CHECK(message.size() < (std::uint64_t{1} << 31), "an ONNX file of 2 GiB or more");
  message.Write(file);
}

}  // namespace headroom
