// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/conv_bias_cpu.h"

#include "headroom/core/check.h"
#include "headroom/graph/channel_passes.h"
#include "headroom/graph/row_stretches.h"
#include "headroom/graph/row_views.h"
#include "headroom/kernels/bias.h"
#include "headroom/kernels/channel_statistics.h"
#include "headroom/ops/convolution_cpu.h"

#include <ATen/ATen.h>

#include <vector>

namespace headroom {

// fp32 needs none: the bias is added inside the convolution. In bf16 a whole map waits beside the
// fp32 images of the threads (wide_convolution.h).
Bytes ConvBiasCpu::Workspace(const MapShape& input, Element activation) const {
  if (activation == Element::kFloat32) return {};
  const std::int64_t pixels = input.extent.area() * convolution().in_channels +
                              OutputExtent(input.extent).area() * convolution().out_channels;
  return ConvBias::Workspace(input, activation) +
         Bytes::Of(static_cast<std::uint64_t>(StretchCount(input.images) * pixels),
                   SizeOf(Element::kFloat32));
}

void ConvBiasCpu::Forward(OperationCall& call) const {
  const ParameterStore& parameters = *call.parameters;
  if (call.inputs[0].scalar_type() == at::kFloat) {
    ConvBias::Forward(call);  // LibTorch adds the bias inside the convolution.
    return;
  }
  at::Tensor raw;
  ConvolveCpu(convolution(), call.inputs[0], ConvolutionWeight(parameters, weight()), &raw);
  const at::Tensor& to = call.outputs[0][0].tensor;
  const float* values = parameters.value(bias()).const_data_ptr<float>();
  ForEachStretch(RowCount(to), [&](std::size_t, IndexRange range) {
    AddBias(RowsOf(raw), to.size(1), values, range, RowsOf(to));
  });
}

void ConvBiasCpu::Backward(OperationCall& call) const {
  const ParameterStore& parameters = *call.parameters;
  // A head map has one reader, the loss.
  HEADROOM_CHECK(call.output_grads[0].size() == 1, "a head map with several readers");
  at::Tensor grad = call.output_grads[0][0].tensor;
  const std::int64_t channels = grad.size(1);
  const auto width = static_cast<std::size_t>(channels);
  if (call.weight_grads) {
    const std::int64_t stretches = StretchCount(RowCount(grad));
    std::vector<double> sums(static_cast<std::size_t>(stretches) * width);
    ForEachStretch(RowCount(grad), [&](std::size_t i, IndexRange range) {
      AddChannelSums(RowsOf(grad), channels, range, sums.data() + i * width);
    });
    float* d_bias = parameters.gradient(bias()).mutable_data_ptr<float>();
    for (std::size_t c = 0; c < width; ++c) {
      double sum = 0;
      for (std::size_t i = c; i < sums.size(); i += width) sum += sums[i];
      d_bias[c] = static_cast<float>(sum);
    }
  }
  const at::Tensor& maps = call.inputs[0];
  if (maps.scalar_type() != at::kFloat) {
    const at::Tensor wide = grad;
    grad = at::empty(wide.sizes(), maps.options(), at::MemoryFormat::ChannelsLast);
    CopyChannels(wide, grad);
  }
  ConvolveBackwardCpu(convolution(), grad, maps, ConvolutionWeight(parameters, weight()),
                      call.input_grads[0],
                      call.weight_grads ? parameters.gradient(weight()) : at::Tensor());
}

}  // namespace headroom
