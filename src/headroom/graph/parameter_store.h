// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/parameter.h"
#include "headroom/graph/shape.h"
#include "headroom/memory/memory_need.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace headroom {

// A running statistic of a batch-norm: a segment of the flat statistics array.
struct Statistic {
  std::string name;  // "model.0.bn.running_mean"
  std::int64_t offset = 0;
  std::int64_t count = 0;
};

// Indices of one batch-norm's tensors in the store.
struct NormIndices {
  int weight = -1;  // Parameters.
  int bias = -1;
  int mean = -1;  // Statistics: running mean and, next to it, running variance.
  int variance = -1;
};

// Every number that a model learns or tracks, in flat fp32 storage: parameters, the micro-batch's
// gradients, running statistics, the micro-batch's moments. Views are cut once, by Allocate.
// State-dict order is the order of declaration.
class ParameterStore {
 public:
  enum class EntryKind : std::uint8_t { kParameter, kStatistic, kBatchCount };
  // One entry of the state dict.
  struct Entry {
    EntryKind kind;
    int index;  // Into parameters() or statistics(); into the batch-norms for kBatchCount.
    std::string name;
  };

  // Before Allocate.
  int AddParameter(std::string name, std::vector<std::int64_t> shape, ParameterKind kind);
  // Declares weight, bias, running_mean, running_var, num_batches_tracked of `prefix`.
  NormIndices AddNorm(const std::string& prefix, std::int64_t channels);

  // Allocates and zeroes (running variances: 1). `convolution` is the storage of the convolutions'
  // copy of the weights; with kFloat32 there is no copy. With no gradients: inference.
  void Allocate(at::Device device, Element convolution, bool gradients);
  [[nodiscard]] MemoryNeed EstimateMemory(Element convolution, bool gradients) const;

  [[nodiscard]] std::span<const Parameter> parameters() const { return parameters_; }
  [[nodiscard]] std::span<Parameter> parameters() { return parameters_; }
  [[nodiscard]] std::span<const Statistic> statistics() const { return statistics_; }
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }
  [[nodiscard]] std::span<const NormIndices> norms() const { return norms_; }

  // Flat arrays, fp32, 1-D.
  at::Tensor values;       // Parameters.
  at::Tensor gradients;    // Of the micro-batch.
  at::Tensor running;      // Statistics.
  at::Tensor moments;      // Mean and biased variance of the micro-batch, laid out as `running`.
  at::Tensor inverse_std;  // 1 / sqrt(variance + eps) that the last forward used, as `running`'s
                           // variances.
  at::Tensor compute;      // bf16 copy of `values`; undefined in fp32.

  // Views of the flat arrays; 4-D ones are [out, in, kh, kw] in channels-last strides.
  [[nodiscard]] const at::Tensor& value(int index) const {
    return value_views_[static_cast<std::size_t>(index)];
  }
  [[nodiscard]] const at::Tensor& gradient(int index) const {
    return gradient_views_[static_cast<std::size_t>(index)];
  }
  // What convolutions multiply with: the bf16 copy, or the value itself.
  [[nodiscard]] const at::Tensor& compute_value(int index) const {
    return compute_views_[static_cast<std::size_t>(index)];
  }
  [[nodiscard]] const at::Tensor& running_view(int index) const {
    return running_views_[static_cast<std::size_t>(index)];
  }
  [[nodiscard]] const at::Tensor& moment_view(int index) const {
    return moment_views_[static_cast<std::size_t>(index)];
  }
  [[nodiscard]] const at::Tensor& inverse_std_view(int index) const {
    return inverse_std_views_[static_cast<std::size_t>(index)];
  }
  // Writes the convolutions' copies again after `values` changed. Nothing in fp32.
  void RefreshCompute();
  // Another flat array of the same layout (the EMA's), to run the same graph with other weights.
  // Both arrays stay owned by the caller; returns nothing and copies nothing but the bf16 copy.
  void Swap(at::Tensor& other_values, at::Tensor& other_running);

  // View of parameter `index` in any array laid out as `values`.
  [[nodiscard]] at::Tensor ViewIn(const at::Tensor& flat, int index) const;
  [[nodiscard]] at::Tensor StatisticIn(const at::Tensor& flat, int index) const;

  [[nodiscard]] std::int64_t value_count() const { return value_count_; }
  [[nodiscard]] std::int64_t statistic_count() const { return statistic_count_; }

  // num_batches_tracked: the same for all batch-norms of a model that is trained as a whole.
  std::int64_t batches_tracked = 0;

 private:
  void CutViews();

  std::vector<Parameter> parameters_;
  std::vector<Statistic> statistics_;
  std::vector<NormIndices> norms_;
  std::vector<Entry> entries_;
  std::int64_t value_count_ = 0;
  std::int64_t statistic_count_ = 0;
  std::vector<at::Tensor> value_views_, gradient_views_, compute_views_;
  std::vector<at::Tensor> running_views_, moment_views_, inverse_std_views_;
};

}  // namespace headroom
