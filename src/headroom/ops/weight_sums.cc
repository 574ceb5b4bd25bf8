// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/weight_sums.h"

#include "headroom/graph/row_stretches.h"
#include "headroom/graph/row_views.h"
#include "headroom/memory/tag_scope.h"

#include <ATen/ATen.h>

#include <vector>

namespace headroom {

void SumOverThreads(std::int64_t units, std::int64_t scratch_floats, at::Tensor weight_grad,
                    const std::function<void(std::size_t, IndexRange, float*, float*)>& add) {
  const TagScope tag(MemoryTag::kWorkspace);
  const auto threads = static_cast<std::size_t>(StretchCount(units));
  // Made here: a thread of the loop below would take them from a cache of its own.
  const at::Tensor scratch =
      at::empty({static_cast<std::int64_t>(threads) * scratch_floats}, weight_grad.options());
  std::vector<at::Tensor> sums{weight_grad.zero_()};
  while (sums.size() < threads) sums.push_back(at::zeros_like(weight_grad));
  ForEachStretch(units, [&](std::size_t i, IndexRange mine) {
    add(i, mine, scratch.mutable_data_ptr<float>() + static_cast<std::int64_t>(i) * scratch_floats,
        sums[i].mutable_data_ptr<float>());
  });
  for (std::size_t i = 1; i < threads; ++i) weight_grad.add_(sums[i]);
}

ConvolutionShape ShapeOf(const ConvolutionSpec& spec, const at::Tensor& input,
                         const at::Tensor& output) {
  return {.input = ImageShapeOf(input),
          .out_height = output.size(2),
          .out_width = output.size(3),
          .out_channels = output.size(1),
          .kernel = spec.kernel,
          .stride = spec.stride,
          .padding = spec.padding()};
}

}  // namespace headroom
