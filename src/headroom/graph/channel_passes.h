// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/operation.h"
#include "headroom/kernels/row_tensor.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace headroom {

// Passes over channels-last tensors [N, C, H, W] of which any may be a channel slice; fp32 and bf16
// mix. On a CPU with the row kernels and all threads, allocating nothing; elsewhere with ATen.

// to = from, of equal shape.
void CopyChannels(const at::Tensor& from, const at::Tensor& to);

// to = the sum of the sources, in fp32, rounded once; channels that no source has are zero.
void SumChannels(const std::vector<ChannelTensor>& sources, const at::Tensor& to);

// Channels [first, first + channels) whose sources are the same.
struct SourceSegment {
  std::int64_t first = 0;
  std::int64_t channels = 0;
  std::vector<const ChannelTensor*> sources;  // May be empty.

  // The segment's channels of a source, as rows.
  [[nodiscard]] ConstRowTensor Rows(std::size_t source) const;
};
// Cuts [0, channels) where a source begins or ends.
[[nodiscard]] std::vector<SourceSegment> CutSources(const std::vector<ChannelTensor>& sources,
                                                    std::int64_t channels);

}  // namespace headroom
