// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/upsample_cpu.h"

#include "headroom/graph/channel_passes.h"
#include "headroom/graph/row_stretches.h"
#include "headroom/graph/row_views.h"
#include "headroom/kernels/upsample.h"

#include <ATen/ATen.h>

namespace headroom {
namespace {

ImageShape ShapeOf(const at::Tensor& map, std::int64_t channels) {
  return {map.size(0), map.size(2), map.size(3), channels};
}

}  // namespace

void UpsampleCpu::Forward(OperationCall& call) const {
  const at::Tensor& x = call.inputs[0];
  for (const ChannelTensor& destination : call.outputs[0]) {
    const ConstRowTensor from = Offset(RowsOf(x), 0, destination.first_channel);
    const ImageShape shape = ShapeOf(x, destination.tensor.size(1));
    ForEachStretch(x.size(0) * x.size(2), [&](std::size_t, IndexRange lines) {
      UpsampleNearest2x(shape, from, lines, RowsOf(destination.tensor));
    });
  }
}

void UpsampleCpu::Backward(OperationCall& call) const {
  const at::Tensor& grad = *call.input_grads[0];
  for (const SourceSegment& segment : CutSources(call.output_grads[0], grad.size(1))) {
    if (segment.sources.empty()) grad.narrow(1, segment.first, segment.channels).zero_();
    const RowTensor to = Offset(RowsOf(grad), 0, segment.first);
    const ImageShape shape = ShapeOf(grad, segment.channels);
    ForEachStretch(grad.size(0) * grad.size(2), [&](std::size_t, IndexRange lines) {
      for (std::size_t i = 0; i < segment.sources.size(); ++i) {
        const auto write = i == 0 ? GradientWrite::kAssign : GradientWrite::kAccumulate;
        UpsampleNearest2xBackward(shape, segment.Rows(i), lines, write, to);
      }
    });
  }
}

}  // namespace headroom
