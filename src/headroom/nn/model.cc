// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/model.h"

#include "headroom/core/rng.h"

#include <ATen/ATen.h>

#include <cmath>

namespace headroom {
namespace {

void FillUniform(const at::Tensor& view, double bound, Rng rng) {
  // Filled in the logical order of the checkpoint, so that the layout in memory does not matter.
  at::Tensor host = at::empty(view.sizes(), at::kFloat);
  float* values = host.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < host.numel(); ++i)
    values[i] = static_cast<float>(rng.Uniform(-bound, bound));
  view.copy_(host);
}

}  // namespace

std::int64_t Model::ParameterCount() const {
  std::int64_t count = 0;
  for (const Parameter& parameter : parameters->parameters()) count += parameter.count;
  return count;
}

std::int64_t Model::TrainedCount() const {
  std::int64_t count = 0;
  for (const Parameter& parameter : parameters->parameters())
    count += parameter.trainable ? parameter.count : 0;
  return count;
}

void InitializeParameters(Model& model, std::uint64_t seed) {
  ParameterStore& store = *model.parameters;
  const Rng rng(seed);
  store.running.zero_();
  for (const NormIndices& norm : store.norms()) {
    store.value(norm.weight).fill_(1);
    store.value(norm.bias).fill_(0);
    store.running_view(norm.variance).fill_(1);
  }
  for (std::size_t i = 0; i < store.parameters().size(); ++i) {
    const Parameter& parameter = store.parameters()[i];
    if (parameter.kind != ParameterKind::kWeight) continue;
    const at::Tensor& view = store.value(static_cast<int>(i));
    if (parameter.name.ends_with("dfl.conv.weight")) {
      view.copy_(at::arange(parameter.shape[1], view.options()).view(parameter.shape));
      continue;
    }
    const double fan_in =
        static_cast<double>(parameter.shape[1] * parameter.shape[2] * parameter.shape[3]);
    FillUniform(view, 1 / std::sqrt(fan_in), rng.Fork(i));
  }
  for (const int bias : model.box_biases) store.value(bias).fill_(2);
  for (std::size_t i = 0; i < model.class_biases.size(); ++i) {
    const double cells = std::pow(640.0 / model.strides[i % model.strides.size()], 2);
    store.value(model.class_biases[i])
        .fill_(std::log(5 / static_cast<double>(model.options.classes) / cells));
  }
  store.batches_tracked = 0;
  store.RefreshCompute();
}

}  // namespace headroom
