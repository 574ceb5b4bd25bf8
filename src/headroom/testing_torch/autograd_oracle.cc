// SPDX-License-Identifier: Apache-2.0
#include "headroom/testing_torch/autograd_oracle.h"

#include "headroom/core/check.h"
#include "headroom/ops/attention.h"
#include "headroom/ops/conv_bias.h"
#include "headroom/ops/conv_bn_act.h"
#include "headroom/ops/pixels.h"
#include "headroom/ops/pool_chain.h"
#include "headroom/ops/upsample.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

namespace headroom::testing {
namespace {

class Oracle {
 public:
  Oracle(const Graph& graph, const ParameterStore& parameters, NormMode norm)
      : graph_(graph), parameters_(parameters), norm_(norm) {
    for (std::size_t i = 0; i < parameters.parameters().size(); ++i) {
      leaves_.push_back(
          parameters.value(static_cast<int>(i)).clone().contiguous().requires_grad_(true));
    }
  }

  std::vector<at::Tensor> Values(const at::Tensor& image) {
    std::vector<at::Tensor> values(graph_.values().size());
    values[0] = image;
    std::vector<bool> done(graph_.values().size(), false);
    done[0] = true;
    NodeId next = 0;
    for (std::size_t id = 1; id < values.size(); ++id) {
      const Value& value = graph_.value(static_cast<ValueId>(id));
      if (value.is_slice()) {
        values[id] = values[static_cast<std::size_t>(value.slice_of)].narrow(1, value.first_channel,
                                                                             value.channels);
      } else if (value.is_concat()) {
        std::vector<at::Tensor> parts;
        for (const ValueId part : value.parts)
          parts.push_back(values[static_cast<std::size_t>(part)]);
        values[id] = at::cat(parts, 1);
      } else if (value.producer == next) {
        RunNode(next++, &values);
      }
    }
    return values;
  }

  [[nodiscard]] const std::vector<at::Tensor>& leaves() const { return leaves_; }

 private:
  const at::Tensor& Leaf(int index) const { return leaves_[static_cast<std::size_t>(index)]; }

  void RunNode(NodeId id, std::vector<at::Tensor>* values) {
    const Node& node = graph_.node(id);
    std::vector<at::Tensor> x;
    for (const NodeInput& input : node.inputs) {
      const at::Tensor& value = (*values)[static_cast<std::size_t>(input.value)];
      x.push_back(input.stop_gradient ? value.detach() : value);
    }
    const std::vector<at::Tensor> y = Compute(*node.operation, x);
    for (std::size_t i = 0; i < y.size(); ++i)
      (*values)[static_cast<std::size_t>(node.outputs[i])] = y[i];
  }

  std::vector<at::Tensor> Compute(const Operation& operation, const std::vector<at::Tensor>& x) {
    if (const auto* conv = dynamic_cast<const ConvBnAct*>(&operation))
      return {ComputeConvBnAct(*conv, x)};
    if (const auto* conv = dynamic_cast<const ConvBias*>(&operation)) {
      const ConvolutionSpec& spec = conv->convolution();
      return {at::conv2d(x[0], Leaf(conv->weight()), Leaf(conv->bias()), spec.stride,
                         spec.padding(), spec.dilation, spec.groups)};
    }
    if (dynamic_cast<const Pixels*>(&operation) != nullptr) return {x[0].to(at::kFloat) / 255};
    if (dynamic_cast<const Upsample*>(&operation) != nullptr) {
      return {at::upsample_nearest2d(x[0], {x[0].size(2) * 2, x[0].size(3) * 2})};
    }
    if (const auto* pool = dynamic_cast<const PoolChain*>(&operation)) {
      std::vector<at::Tensor> chain = {x[0]};
      for (std::int64_t i = 0; i < pool->pools(); ++i) {
        chain.push_back(at::max_pool2d(chain.back(), pool->kernel(), 1, pool->kernel() / 2));
      }
      chain.erase(chain.begin());
      return {at::cat(chain, 1)};
    }
    if (const auto* attention = dynamic_cast<const Attention*>(&operation))
      return ComputeAttention(*attention, x[0]);
    HEADROOM_CHECK(false, "the oracle does not know an operation");
    return {};
  }

  at::Tensor ComputeConvBnAct(const ConvBnAct& conv, const std::vector<at::Tensor>& x) {
    const ConvBnActSpec& spec = conv.spec();
    at::Tensor y =
        at::conv2d(x[0], Leaf(spec.weight), {}, spec.convolution.stride, spec.convolution.padding(),
                   spec.convolution.dilation, spec.convolution.groups);
    y = at::batch_norm(y, Leaf(spec.norm.weight), Leaf(spec.norm.bias),
                       parameters_.running_view(spec.norm.mean).clone(),
                       parameters_.running_view(spec.norm.variance).clone(),
                       norm_ == NormMode::kBatch, spec.norm_momentum, spec.norm_epsilon, false);
    y = Activate(spec, y);
    return spec.residual ? y + x[1] : y;
  }

  static at::Tensor Activate(const ConvBnActSpec& spec, const at::Tensor& z) {
    switch (spec.activation) {
      case Activation::kIdentity:
        return z;
      case Activation::kSilu:
        return at::silu(z);
      case Activation::kRelu:
        return at::clamp_min(z, 0);
      case Activation::kLeakyRelu:
        return at::where(z > 0, z, z * spec.negative_slope);
      case Activation::kHardswish:
        return z * at::clamp(z + 3, 0, 6) / 6;
    }
    return z;
  }

  // As the paper has it: channels of a map are [heads, q | k | v], positions are columns.
  static std::vector<at::Tensor> ComputeAttention(const Attention& attention,
                                                  const at::Tensor& qkv) {
    const std::int64_t key = attention.key_dim();
    const std::int64_t value = attention.head_dim();
    const at::Tensor split = qkv.reshape({qkv.size(0), attention.heads(), 2 * key + value, -1});
    const at::Tensor q = split.narrow(2, 0, key);
    const at::Tensor k = split.narrow(2, key, key);
    const at::Tensor v = split.narrow(2, 2 * key, value);
    const at::Tensor weights =
        at::softmax(at::matmul(q.transpose(2, 3), k) / std::sqrt(static_cast<double>(key)), -1);
    const auto map = [&](const at::Tensor& t) {
      return t.reshape({qkv.size(0), -1, qkv.size(2), qkv.size(3)});
    };
    return {map(at::matmul(v, weights.transpose(2, 3))), map(v)};
  }

  const Graph& graph_;
  const ParameterStore& parameters_;
  NormMode norm_;
  std::vector<at::Tensor> leaves_;
};

}  // namespace

OracleResult RunOracle(const Graph& graph, const ParameterStore& parameters,
                       const at::Tensor& image, NormMode norm,
                       const std::vector<at::Tensor>& output_grads) {
  const at::AutoGradMode grad_mode(true);
  Oracle oracle(graph, parameters, norm);
  OracleResult result;
  result.values = oracle.Values(image.contiguous());
  std::vector<at::Tensor> outputs;
  std::vector<at::Tensor> grads;
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    const at::Tensor& output = result.values[static_cast<std::size_t>(graph.outputs()[i])];
    result.outputs.push_back(output.detach());
    if (output_grads.empty()) continue;
    outputs.push_back(output);
    grads.push_back(output_grads[i]);
  }
  if (!outputs.empty()) torch::autograd::backward(outputs, grads);
  for (std::size_t i = 0; i < oracle.leaves().size(); ++i) {
    result.grads[parameters.parameters()[i].name] = oracle.leaves()[i].grad();
  }
  return result;
}

}  // namespace headroom::testing
