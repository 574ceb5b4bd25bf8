// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/pixels_cpu.h"

#include "headroom/graph/row_stretches.h"
#include "headroom/graph/row_views.h"
#include "headroom/kernels/pixels.h"

#include <ATen/ATen.h>

namespace headroom {

void PixelsCpu::Forward(OperationCall& call) const {
  const at::Tensor& image = call.inputs[0];
  if (image.size(1) != kPixelChannels) {
    Pixels::Forward(call);
    return;
  }
  for (const ChannelTensor& destination : call.outputs[0]) {
    ForEachStretch(RowCount(image), [&](std::size_t, IndexRange range) {
      NormalizePixels(image.const_data_ptr<std::uint8_t>(), range, RowsOf(destination.tensor));
    });
  }
}

}  // namespace headroom
