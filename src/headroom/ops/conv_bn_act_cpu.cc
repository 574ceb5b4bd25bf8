// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/conv_bn_act_cpu.h"

#include "headroom/core/check.h"
#include "headroom/graph/channel_passes.h"
#include "headroom/graph/gradient_sources.h"
#include "headroom/graph/row_stretches.h"
#include "headroom/graph/row_views.h"
#include "headroom/kernels/bn_act.h"
#include "headroom/kernels/channel_statistics.h"
#include "headroom/ops/convolution_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

namespace headroom {
namespace {

// Room that is kept from call to call, for the thread that drives the step.
template <typename T>
T* Room(std::vector<T>& room, std::size_t count) {
  room.assign(count, T());
  return room.data();
}

struct Affine {
  const float* mean;
  const float* inverse_std;
  float* scale;
  float* shift;
};

Affine PrepareAffine(const ConvBnActSpec& spec, const OperationCall& call, const at::Tensor& mean,
                     const at::Tensor& inverse_std) {
  static thread_local std::vector<float> room;
  const auto channels = static_cast<std::size_t>(spec.convolution.out_channels);
  float* scale = Room(room, 2 * channels);
  Affine affine{mean.const_data_ptr<float>(), inverse_std.const_data_ptr<float>(), scale,
                scale + channels};
  const float* gamma = call.parameters->value(spec.norm.weight).const_data_ptr<float>();
  const float* beta = call.parameters->value(spec.norm.bias).const_data_ptr<float>();
  for (std::size_t c = 0; c < channels; ++c) {
    affine.scale[c] = gamma[c] * affine.inverse_std[c];
    affine.shift[c] = beta[c] - affine.mean[c] * affine.scale[c];
  }
  return affine;
}

// A segment without a source has gradient 0. No program has more sources than the pass takes.
static_assert(kMaxGradientSources <= kMaxGradients);

BnActBackward SegmentPass(const ConvBnActSpec& spec, const SourceSegment& segment,
                          const RowTensor& y, const Affine& affine) {
  BnActBackward pass{.y = Offset(y, 0, segment.first),
                     .channels = segment.channels,
                     .scale = affine.scale + segment.first,
                     .shift = affine.shift + segment.first,
                     .mean = affine.mean + segment.first,
                     .activation = spec.activation};
  HEADROOM_CHECK(segment.sources.size() <= kMaxGradients, "more gradient sources than are summed");
  for (std::size_t i = 0; i < segment.sources.size(); ++i)
    pass.gradients[static_cast<std::size_t>(pass.gradient_count++)] = segment.Rows(i);
  return pass;
}

}  // namespace

void ConvBnActCpu::Moments(const at::Tensor& y, ParameterStore& parameters) const {
  static thread_local std::vector<double> room;
  const std::int64_t channels = spec().convolution.out_channels;
  const auto width = static_cast<std::size_t>(channels);
  const auto threads = static_cast<std::size_t>(at::get_num_threads());
  double* sums = Room(room, threads * 2 * width);
  std::vector<ChannelMoments> parts(threads);
  for (std::size_t t = 0; t < threads; ++t)
    parts[t] = {0, sums + t * 2 * width, sums + (t * 2 + 1) * width};
  const RowTensor rows = RowsOf(y);
  ForEachStretch(RowCount(y), [&](std::size_t i, IndexRange range) {
    AddChannelMoments(rows, channels, range, &parts[i]);
  });
  for (std::size_t t = 1; t < threads; ++t) MergeChannelMoments(parts[t], channels, &parts[0]);
  float* mean = parameters.moment_view(spec().norm.mean).mutable_data_ptr<float>();
  float* variance = parameters.moment_view(spec().norm.variance).mutable_data_ptr<float>();
  for (std::size_t c = 0; c < width; ++c) {
    mean[c] = static_cast<float>(parts[0].mean[c]);
    variance[c] =
        static_cast<float>(parts[0].squared_deviations[c] / static_cast<double>(parts[0].count));
  }
}

void ConvBnActCpu::Activate(OperationCall& call) const {
  const at::Tensor& y = *call.saved;
  const Affine affine = PrepareAffine(spec(), call, Mean(call), InverseStd(call));
  BnActForward pass{.y = RowsOf(y),
                    .channels = y.size(1),
                    .scale = affine.scale,
                    .shift = affine.shift,
                    .activation = spec().activation};
  if (spec().residual) pass.residual = RowsOf(call.inputs[1]);
  const auto run = [&] {
    if (pass.destination_count == 0) return;
    ForEachStretch(RowCount(y),
                   [&](std::size_t, IndexRange range) { RunBnActForward(pass, range); });
    pass.destination_count = 0;
  };
  const ChannelTensor* in_place = nullptr;
  for (const ChannelTensor& destination : call.outputs[0]) {
    if (destination.tensor.data_ptr() == y.data_ptr()) {
      in_place = &destination;  // Last, since the others read y too.
      continue;
    }
    pass.destinations[static_cast<std::size_t>(pass.destination_count++)] = {
        RowsOf(destination.tensor), destination.first_channel, destination.tensor.size(1)};
    if (pass.destination_count == kMaxDestinations) run();
  }
  run();
  if (in_place == nullptr) return;
  pass.destinations[0] = {RowsOf(in_place->tensor), 0, y.size(1)};
  pass.destination_count = 1;
  run();
}

void ConvBnActCpu::BackwardNorm(OperationCall& call) const {
  static thread_local std::vector<double> room;
  static thread_local std::vector<float> coefficient_room;
  const std::int64_t channels = spec().convolution.out_channels;
  const std::vector<SourceSegment> segments = CutSources(call.output_grads[0], channels);
  const RowTensor y = RowsOf(*call.saved);
  const std::int64_t rows = RowCount(*call.saved);
  const Affine affine = PrepareAffine(spec(), call, Mean(call), InverseStd(call));
  const auto width = static_cast<std::size_t>(channels);
  const auto threads = static_cast<std::size_t>(at::get_num_threads());
  double* sums = Room(room, threads * 2 * width);
  ForEachStretch(rows, [&](std::size_t i, IndexRange range) {
    double* mine = sums + i * 2 * width;
    for (const SourceSegment& segment : segments) {
      const BnActBackward pass = SegmentPass(spec(), segment, y, affine);
      ReduceBnActBackward(
          pass, range, {},
          {affine.inverse_std + segment.first, mine + segment.first, mine + width + segment.first});
    }
  });
  for (std::size_t t = 1; t < threads; ++t) {
    for (std::size_t c = 0; c < 2 * width; ++c) sums[c] += sums[t * 2 * width + c];
  }
  float* for_dz = Room(coefficient_room, 3 * width);
  const BnGradientCoefficients coefficients{for_dz, for_dz + width, for_dz + 2 * width};
  if (call.norm == NormMode::kBatch) {
    ComputeBnGradientCoefficients(channels, rows, affine.scale,
                                  {affine.inverse_std, sums, sums + width}, coefficients);
  } else {
    std::copy_n(affine.scale, width, for_dz);
  }
  ForEachStretch(rows, [&](std::size_t, IndexRange range) {
    for (const SourceSegment& segment : segments) {
      const BnActBackward pass = SegmentPass(spec(), segment, y, affine);
      const BnGradientCoefficients mine{for_dz + segment.first, for_dz + width + segment.first,
                                        for_dz + 2 * width + segment.first};
      ApplyBnActBackward(pass, mine, range, Offset(y, 0, segment.first));
    }
  });
  if (!call.weight_grads) return;
  float* d_gamma = call.parameters->gradient(spec().norm.weight).mutable_data_ptr<float>();
  float* d_beta = call.parameters->gradient(spec().norm.bias).mutable_data_ptr<float>();
  for (std::size_t c = 0; c < width; ++c) {
    d_beta[c] = static_cast<float>(sums[c]);
    d_gamma[c] = static_cast<float>(sums[width + c]);
  }
}

const at::Tensor& ConvBnActCpu::Weight(const ParameterStore& parameters) const {
  return ConvolutionWeight(parameters, spec().weight);
}

void ConvBnActCpu::ForwardConvolution(const at::Tensor& input, const at::Tensor& weight,
                                      at::Tensor* output) const {
  ConvolveCpu(spec().convolution, input, weight, output);
}

void ConvBnActCpu::BackwardConvolution(const at::Tensor& output_grad, const at::Tensor& input,
                                       const at::Tensor& weight, at::Tensor* input_grad,
                                       const at::Tensor& weight_grad) const {
  ConvolveBackwardCpu(spec().convolution, output_grad, input, weight, input_grad, weight_grad);
}

}  // namespace headroom
