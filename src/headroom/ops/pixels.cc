// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/pixels.h"

#include "headroom/core/check.h"

#include <ATen/ATen.h>

namespace headroom {

void Pixels::Forward(OperationCall& call) const {
  for (ChannelTensor& destination : call.outputs[0])
    destination.tensor.copy_(call.inputs[0]).div_(255);
}

void Pixels::Backward(OperationCall& /*call*/) const {
  HEADROOM_CHECK(false, "pixels are not trained");
}

}  // namespace headroom
