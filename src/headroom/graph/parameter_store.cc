// SPDX-License-Identifier: Apache-2.0
#include "headroom/graph/parameter_store.h"

#include "headroom/core/check.h"
#include "headroom/memory/tag_scope.h"

#include <ATen/ATen.h>

#include <utility>

namespace headroom {
namespace {

// Segments start on a cache line, so that no two lie in one and vector loops start aligned.
constexpr std::int64_t kAlignment = 16;

std::int64_t Aligned(std::int64_t count) {
  return (count + kAlignment - 1) / kAlignment * kAlignment;
}

std::int64_t ElementsOf(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t side : shape) count *= side;
  return count;
}

at::Tensor View(const at::Tensor& flat, std::int64_t offset,
                const std::vector<std::int64_t>& shape) {
  if (shape.size() != 4) return flat.as_strided(shape, {1}, offset);
  const std::int64_t in = shape[1];
  const std::int64_t height = shape[2];
  const std::int64_t width = shape[3];
  return flat.as_strided(shape, {height * width * in, 1, width * in, in}, offset);
}

}  // namespace

int ParameterStore::AddParameter(std::string name, std::vector<std::int64_t> shape,
                                 ParameterKind kind) {
  const auto index = static_cast<int>(parameters_.size());
  const std::int64_t count = ElementsOf(shape);
  entries_.push_back({EntryKind::kParameter, index, name});
  parameters_.push_back({.name = std::move(name),
                         .shape = std::move(shape),
                         .offset = value_count_,
                         .count = count,
                         .kind = kind});
  value_count_ += Aligned(count);
  return index;
}

NormIndices ParameterStore::AddNorm(const std::string& prefix, std::int64_t channels) {
  NormIndices norm;
  norm.weight = AddParameter(prefix + ".weight", {channels}, ParameterKind::kNormWeight);
  norm.bias = AddParameter(prefix + ".bias", {channels}, ParameterKind::kBias);
  const auto add_statistic = [&](const char* name) {
    const auto index = static_cast<int>(statistics_.size());
    statistics_.push_back({prefix + name, statistic_count_, channels});
    statistic_count_ += Aligned(channels);
    entries_.push_back({EntryKind::kStatistic, index, prefix + name});
    return index;
  };
  norm.mean = add_statistic(".running_mean");
  norm.variance = add_statistic(".running_var");
  entries_.push_back(
      {EntryKind::kBatchCount, static_cast<int>(norms_.size()), prefix + ".num_batches_tracked"});
  norms_.push_back(norm);
  return norm;
}

MemoryNeed ParameterStore::EstimateMemory(Element convolution, bool with_gradients) const {
  const Bytes flat = Bytes::Of(static_cast<std::uint64_t>(value_count_), 4);
  const Bytes statistic = Bytes::Of(static_cast<std::uint64_t>(statistic_count_), 4);
  MemoryNeed need(MemoryTag::kWeights, flat + statistic * 3);
  if (convolution == Element::kBFloat16) need.Add(MemoryTag::kWeights, Bytes(flat.count() / 2));
  if (with_gradients) need.Add(MemoryTag::kGradients, flat);
  return need;
}

void ParameterStore::Allocate(at::Device device, Element convolution, bool with_gradients) {
  const auto options = at::TensorOptions(at::kFloat).device(device);
  {
    const TagScope tag(MemoryTag::kWeights);
    values = at::zeros({value_count_}, options);
    running = at::zeros({statistic_count_}, options);
    moments = at::zeros({statistic_count_}, options);
    inverse_std = at::zeros({statistic_count_}, options);
    if (convolution == Element::kBFloat16)
      compute = at::zeros({value_count_}, options.dtype(at::kBFloat16));
  }
  if (with_gradients) {
    const TagScope tag(MemoryTag::kGradients);
    gradients = at::zeros({value_count_}, options);
  }
  CutViews();
  for (const NormIndices& norm : norms_) running_view(norm.variance).fill_(1);
}

void ParameterStore::CutViews() {
  value_views_.clear();
  gradient_views_.clear();
  compute_views_.clear();
  running_views_.clear();
  moment_views_.clear();
  inverse_std_views_.clear();
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto index = static_cast<int>(i);
    value_views_.push_back(ViewIn(values, index));
    gradient_views_.push_back(gradients.defined() ? ViewIn(gradients, index) : at::Tensor());
    compute_views_.push_back(compute.defined() ? ViewIn(compute, index) : value_views_.back());
  }
  for (std::size_t i = 0; i < statistics_.size(); ++i) {
    const auto index = static_cast<int>(i);
    running_views_.push_back(StatisticIn(running, index));
    moment_views_.push_back(StatisticIn(moments, index));
    inverse_std_views_.push_back(StatisticIn(inverse_std, index));
  }
}

at::Tensor ParameterStore::ViewIn(const at::Tensor& flat, int index) const {
  const Parameter& parameter = parameters_[static_cast<std::size_t>(index)];
  return View(flat, parameter.offset, parameter.shape);
}

at::Tensor ParameterStore::StatisticIn(const at::Tensor& flat, int index) const {
  const Statistic& statistic = statistics_[static_cast<std::size_t>(index)];
  return flat.narrow(0, statistic.offset, statistic.count);
}

void ParameterStore::RefreshCompute() {
  if (compute.defined()) compute.copy_(values);
}

void ParameterStore::Swap(at::Tensor& other_values, at::Tensor& other_running) {
  std::swap(values, other_values);
  std::swap(running, other_running);
  CutViews();
  RefreshCompute();
}

}  // namespace headroom
