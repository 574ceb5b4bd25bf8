// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/channel_tensors.h"
#include "headroom/ops/upsample.h"

#include <ATen/ATen.h>

namespace headroom {

Bytes Upsample::Workspace(const MapShape& input, Element /*activation*/) const {
  return Bytes::Of(static_cast<std::uint64_t>(input.elements()), 4 * 8);
}

void Upsample::Forward(OperationCall& call) const {
  WriteTo(call.outputs[0], at::upsample_nearest2d(call.inputs[0], {call.inputs[0].size(2) * 2,
                                                                   call.inputs[0].size(3) * 2}));
}

void Upsample::Backward(OperationCall& call) const {
  at::Tensor& grad = *call.input_grads[0];
  const at::Tensor sum =
      SumOf(call.output_grads[0], {grad.size(0), grad.size(1), 2 * grad.size(2), 2 * grad.size(3)},
            grad.options());
  grad.copy_(at::avg_pool2d(sum, {2, 2}, {2, 2}, 0, false, true, 1));
}

}  // namespace headroom
