// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/graph_export.h"

#include "headroom/core/error.h"
#include "headroom/ops/attention.h"
#include "headroom/ops/pixels.h"
#include "headroom/ops/pool_chain.h"
#include "headroom/ops/upsample.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <set>
#include <utility>

namespace headroom {

GraphExport::GraphExport(const Graph& graph, const ParameterStore& parameters,
                         std::vector<Extent> extents, NetworkWriter& writer)
    : graph_(graph), parameters_(parameters), extents_(std::move(extents)), writer_(writer) {}

void GraphExport::Write(std::span<const ValueId> wanted) {
  std::vector<bool> needed(graph_.nodes().size(), false);
  for (const ValueId value : wanted) MarkNeeded(value, &needed);
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) WriteNode(graph_.nodes()[i]);
  }
}

void GraphExport::MarkNeeded(ValueId id, std::vector<bool>* nodes) const {
  const Value& value = graph_.value(id);
  if (value.is_slice()) return MarkNeeded(value.slice_of, nodes);
  for (const ValueId part : value.parts) MarkNeeded(part, nodes);
  if (value.producer < 0 || (*nodes)[static_cast<std::size_t>(value.producer)]) return;
  (*nodes)[static_cast<std::size_t>(value.producer)] = true;
  for (const NodeInput& input : graph_.node(value.producer).inputs) MarkNeeded(input.value, nodes);
}

TensorName GraphExport::Name(ValueId id) {
  const auto found = names_.find(id);
  if (found != names_.end()) return found->second;
  const Value& value = graph_.value(id);
  TensorName name;
  if (value.is_slice()) {
    name = NameOfSlice(value);
  } else {
    std::vector<TensorName> parts;
    for (const ValueId part : value.parts) parts.push_back(Name(part));
    if (parts.empty()) throw InternalError("export: a value is read before it is written");
    name = parts.size() == 1 ? parts[0] : writer_.Concat(parts, 1);
  }
  return names_.emplace(id, name).first->second;
}

const GraphExport::Pieces& GraphExport::PiecesOf(ValueId id) {
  const auto found = pieces_.find(id);
  if (found != pieces_.end()) return found->second;
  const std::int64_t channels = graph_.value(id).channels;
  std::set<std::int64_t> cuts = {0, channels};
  for (const Value& value : graph_.values()) {
    if (value.slice_of != id) continue;
    cuts.insert(value.first_channel);
    cuts.insert(value.first_channel + value.channels);
  }
  Pieces pieces{.begins = {cuts.begin(), cuts.end()}, .names = {}};
  std::vector<std::int64_t> sizes;
  for (std::size_t i = 0; i + 1 < pieces.begins.size(); ++i)
    sizes.push_back(pieces.begins[i + 1] - pieces.begins[i]);
  pieces.names = sizes.size() == 1 ? std::vector{Name(id)} : writer_.Split(Name(id), sizes, 1);
  return pieces_.emplace(id, std::move(pieces)).first->second;
}

TensorName GraphExport::NameOfSlice(const Value& slice) {
  const Pieces& pieces = PiecesOf(slice.slice_of);
  std::vector<TensorName> parts;
  for (std::size_t i = 0; i < pieces.names.size(); ++i) {
    const std::int64_t begin = pieces.begins[i];
    if (begin >= slice.first_channel && begin < slice.first_channel + slice.channels)
      parts.push_back(pieces.names[i]);
  }
  return parts.size() == 1 ? parts[0] : writer_.Concat(parts, 1);
}

void GraphExport::WriteNode(const Node& node) {
  const Operation* operation = node.operation.get();
  const auto input = [&] { return Name(node.inputs[0].value); };
  TensorName result;
  if (const auto* conv = dynamic_cast<const ConvBnAct*>(operation)) {
    result = WriteConvBnAct(*conv, node);
  } else if (const auto* biased = dynamic_cast<const ConvBias*>(operation)) {
    result = writer_.Convolve(input(), Fold(*biased, parameters_, node.name));
  } else if (const auto* pool = dynamic_cast<const PoolChain*>(operation)) {
    result = WritePools(input(), pool->kernel(), pool->pools());
  } else if (dynamic_cast<const Upsample*>(operation) != nullptr) {
    result = writer_.Upsample(input());
  } else if (dynamic_cast<const Pixels*>(operation) != nullptr) {
    result = writer_.Input();
  } else if (dynamic_cast<const Attention*>(operation) != nullptr) {
    return WriteAttention(node);
  } else {
    throw InternalError(
        fmt::format("export: operation '{}' has no exported form", operation->type()));
  }
  names_[node.outputs[0]] = result;
}

TensorName GraphExport::WriteConvBnAct(const ConvBnAct& operation, const Node& node) {
  TensorName x = writer_.Convolve(Name(node.inputs[0].value),
                                  Fold(operation, parameters_, node.name + ".conv"));
  x = writer_.Activate(x, operation.spec());
  if (operation.spec().residual)
    x = writer_.Compute(Arithmetic::kAdd, Name(node.inputs[1].value), x);
  return x;
}

TensorName GraphExport::WritePools(const TensorName& x, std::int64_t kernel, std::int64_t pools) {
  std::vector<TensorName> parts;
  for (std::int64_t i = 0; i < pools; ++i)
    parts.push_back(writer_.MaxPool(parts.empty() ? x : parts.back(), kernel));
  return parts.size() == 1 ? parts[0] : writer_.Concat(parts, 1);
}

void GraphExport::WriteAttention(const Node& node) {
  const auto& attention = dynamic_cast<const Attention&>(*node.operation);
  const std::int64_t key = attention.key_dim();
  const std::int64_t width = attention.head_dim();
  constexpr std::array<int, 4> kSwapLast = {0, 1, 3, 2};
  const ValueId source = node.inputs[0].value;
  const TensorName qkv = Name(source);
  const TensorName heads =
      writer_.Reshape(qkv, std::array<std::int64_t, 4>{0, attention.heads(), 2 * key + width, -1});
  const std::vector<TensorName> parts =
      writer_.Split(heads, std::array<std::int64_t, 3>{key, key, width}, 2);
  // The keys' scale goes to the queries: OpenCV 4.6 loses a factor right behind a product.
  const TensorName queries =
      writer_.Scale(parts[0], static_cast<float>(1 / std::sqrt(static_cast<double>(key))));
  const TensorName products = writer_.MatMul(writer_.Transpose(queries, kSwapLast), parts[1]);
  const TensorName weights = writer_.Softmax(products, 4);
  const TensorName attended = writer_.MatMul(parts[2], writer_.Transpose(weights, kSwapLast));
  const std::int64_t channels = attention.heads() * width;
  names_[node.outputs[0]] = writer_.ReshapeToMap(attended, channels, qkv, ExtentOf(source));
  names_[node.outputs[1]] = writer_.ReshapeToMap(parts[2], channels, qkv, ExtentOf(source));
}

}  // namespace headroom
