// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/onnx_summary.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace headroom {
namespace {

using Bytes = std::span<const std::byte>;

// One field of a protobuf message.
struct Field {
  std::uint32_t number = 0;
  std::uint64_t value = 0;  // Of a varint.
  Bytes bytes;              // Of a length-delimited field.
  [[nodiscard]] std::string text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

// Reads a message's fields one after the other.
class Fields {
 public:
  explicit Fields(Bytes message) : rest_(message) {}

  // False at the end, or when the message is broken: see ok().
  bool Next(Field* field) {
    if (rest_.empty() || !ok_) return false;
    const std::uint64_t tag = Varint();
    field->number = static_cast<std::uint32_t>(tag >> 3);
    field->bytes = {};
    switch (tag & 7) {
      case 0:
        field->value = Varint();
        return ok_;
      case 1:
        return Take(8, field);
      case 2:
        return Take(Varint(), field);
      case 5:
        return Take(4, field);
      default:
        ok_ = false;
        return false;
    }
  }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::uint64_t Varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<std::uint64_t>(rest_.front());
      rest_ = rest_.subspan(1);
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  bool Take(std::uint64_t size, Field* field) {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return false;
    }
    field->bytes = rest_.first(size);
    rest_ = rest_.subspan(size);
    return true;
  }

  Bytes rest_;
  bool ok_ = true;
};

constexpr std::uint32_t kModelGraph = 7;
constexpr std::uint32_t kModelMetadata = 14;
constexpr std::uint32_t kGraphNode = 1;
constexpr std::uint32_t kGraphInitializer = 5;
constexpr std::uint32_t kNodeInput = 1;
constexpr std::uint32_t kNodeType = 4;
constexpr std::uint32_t kTensorType = 2;
constexpr std::uint64_t kFloat16 = 10;

// Calls use(field) for every field; false when the message is broken.
template <typename Use>
bool ForEachField(Bytes message, const Use& use) {
  Fields fields(message);
  Field field;
  while (fields.Next(&field)) use(field);
  return fields.ok();
}

bool ReadNode(Bytes node, OnnxSummary* summary) {
  int inputs = 0;
  std::string type;
  const bool whole = ForEachField(node, [&](const Field& part) {
    if (part.number == kNodeInput) ++inputs;
    if (part.number == kNodeType) type = part.text();
  });
  if (type == "Split" && inputs > 1) summary->split_by_input = true;
  summary->operators.insert(std::move(type));
  return whole;
}

bool ReadGraph(Bytes graph, OnnxSummary* summary) {
  bool good = true;
  const bool whole = ForEachField(graph, [&](const Field& field) {
    if (field.number == kGraphNode) {
      good &= ReadNode(field.bytes, summary);
    } else if (field.number == kGraphInitializer) {
      good &= ForEachField(field.bytes, [&](const Field& part) {
        if (part.number == kTensorType && part.value == kFloat16 && part.bytes.empty())
          summary->half = true;
      });
    }
  });
  return whole && good;
}

}  // namespace

Result<OnnxSummary> SummarizeOnnx(Bytes file) {
  OnnxSummary summary;
  bool good = true;
  bool has_graph = false;
  const bool whole = ForEachField(file, [&](const Field& field) {
    if (field.number == kModelGraph) {
      has_graph = true;
      good &= ReadGraph(field.bytes, &summary);
    } else if (field.number == kModelMetadata) {
      std::pair<std::string, std::string> entry;
      good &= ForEachField(field.bytes, [&](const Field& part) {
        if (part.number == 1) entry.first = part.text();
        if (part.number == 2) entry.second = part.text();
      });
      summary.metadata.push_back(std::move(entry));
    }
  });
  if (!whole || !good || !has_graph) return Failure{"this is no ONNX model, or a part is missing"};
  return summary;
}

}  // namespace headroom
