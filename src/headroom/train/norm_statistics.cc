// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/norm_statistics.h"

#include "headroom/ops/conv_bn_act.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

namespace headroom {

NormStatistics::NormStatistics(const Graph& graph, ParameterStore& parameters,
                               std::vector<bool> trained_layers)
    : graph_(graph),
      parameters_(parameters),
      sums_(static_cast<std::size_t>(parameters.statistic_count())) {
  for (const Node& node : graph.nodes()) {
    const auto* conv = dynamic_cast<const ConvBnAct*>(node.operation.get());
    const auto layer = static_cast<std::size_t>(node.layer);
    if (conv == nullptr || (!trained_layers.empty() && !trained_layers[layer])) continue;
    const Statistic& mean =
        parameters.statistics()[static_cast<std::size_t>(conv->spec().norm.mean)];
    const Statistic& variance =
        parameters.statistics()[static_cast<std::size_t>(conv->spec().norm.variance)];
    norms_.push_back(
        {mean.offset, variance.offset, mean.count, node.outputs[0], conv->spec().norm_momentum});
  }
  rows_.resize(norms_.size());
}

MemoryNeed NormStatistics::EstimateMemory(const ParameterStore& parameters) {
  return {MemoryTag::kWeights,
          Bytes::Of(static_cast<std::uint64_t>(parameters.statistic_count()), sizeof(double))};
}

void NormStatistics::Add(std::int64_t images) {
  const at::Tensor host =
      parameters_.moments.is_cpu() ? parameters_.moments : parameters_.moments.cpu();
  const float* moments = host.const_data_ptr<float>();
  const auto weight = static_cast<double>(images);
  for (const Norm& norm : norms_) {
    for (std::int64_t c = 0; c < norm.channels; ++c) {
      const double mean = moments[norm.mean_offset + c];
      const double variance = moments[norm.variance_offset + c];
      sums_[static_cast<std::size_t>(norm.mean_offset + c)] += weight * mean;
      sums_[static_cast<std::size_t>(norm.variance_offset + c)] +=
          weight * (variance + mean * mean);
    }
  }
  images_ += weight;
}

void NormStatistics::Commit(const Extent& image) {
  if (images_ == 0) return;
  if (!(image == extent_)) {
    const std::vector<Extent> extents = graph_.InferExtents(image);
    for (std::size_t i = 0; i < norms_.size(); ++i) {
      rows_[i] = static_cast<double>(extents[static_cast<std::size_t>(norms_[i].output)].area());
    }
    extent_ = image;
  }
  at::Tensor host = parameters_.running.is_cpu() ? parameters_.running : parameters_.running.cpu();
  float* running = host.mutable_data_ptr<float>();
  const auto update = [](double momentum, float* value, double target) {
    *value = static_cast<float>((1 - momentum) * static_cast<double>(*value) + momentum * target);
  };
  for (std::size_t i = 0; i < norms_.size(); ++i) {
    const Norm& norm = norms_[i];
    const double rows = images_ * rows_[i];
    const double unbias = rows > 1 ? rows / (rows - 1) : 1;
    for (std::int64_t c = 0; c < norm.channels; ++c) {
      const double mean = sums_[static_cast<std::size_t>(norm.mean_offset + c)] / images_;
      const double square = sums_[static_cast<std::size_t>(norm.variance_offset + c)] / images_;
      update(norm.momentum, running + norm.mean_offset + c, mean);
      update(norm.momentum, running + norm.variance_offset + c,
             std::max(square - mean * mean, 0.0) * unbias);
    }
  }
  if (!parameters_.running.is_cpu()) parameters_.running.copy_(host);
  Discard();
}

void NormStatistics::Discard() {
  std::fill(sums_.begin(), sums_.end(), 0.0);
  images_ = 0;
}

}  // namespace headroom
