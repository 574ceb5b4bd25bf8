// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/channel_tensors.h"

#include <ATen/ATen.h>

namespace headroom {

void WriteTo(const std::vector<ChannelTensor>& destinations, const at::Tensor& value) {
  for (const ChannelTensor& destination : destinations) {
    destination.tensor.copy_(
        value.narrow(1, destination.first_channel, destination.tensor.size(1)));
  }
}

at::Tensor SumOf(const std::vector<ChannelTensor>& sources, at::IntArrayRef shape,
                 const at::TensorOptions& options) {
  at::Tensor sum =
      at::empty(shape, options.dtype(at::kFloat), at::MemoryFormat::ChannelsLast).zero_();
  for (const ChannelTensor& source : sources) {
    sum.narrow(1, source.first_channel, source.tensor.size(1)).add_(source.tensor);
  }
  return sum;
}

}  // namespace headroom
