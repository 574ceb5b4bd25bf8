// SPDX-License-Identifier: Apache-2.0
#include "convolutions_alone.h"

#include "headroom/ops/conv_bias.h"
#include "headroom/ops/conv_bn_act.h"
#include "headroom/ops/convolution_cpu.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>

namespace headroom {
namespace {

double Best(int rounds, const std::function<void()>& run) {
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

const ConvolutionSpec* SpecOf(const Operation& operation) {
  if (const auto* conv = dynamic_cast<const ConvBnAct*>(&operation))
    return &conv->spec().convolution;
  if (const auto* conv = dynamic_cast<const ConvBias*>(&operation)) return &conv->convolution();
  return nullptr;
}

}  // namespace

ConvolutionSeconds TimeConvolutions(const Graph& graph, std::int64_t images, const Extent& image,
                                    Element element, int rounds) {
  const at::NoGradGuard no_grad;
  const auto options =
      at::TensorOptions(element == Element::kBFloat16 ? at::kBFloat16 : at::kFloat);
  const std::vector<Extent> extents = graph.InferExtents(image);
  ConvolutionSeconds seconds;
  std::vector<ConvolutionSeconds::Layer>& each = seconds.layers;
  bool first = true;  // The image has no gradient.
  for (const Node& node : graph.nodes()) {
    const ConvolutionSpec* spec = SpecOf(*node.operation);
    if (spec == nullptr) continue;
    const Extent in = extents[static_cast<std::size_t>(node.inputs[0].value)];
    const Extent out = spec->OutputExtent(in);
    const auto map = [&](std::int64_t channels, const Extent& extent) {
      return at::randn({images, channels, extent.height, extent.width}, options)
          .contiguous(at::MemoryFormat::ChannelsLast);
    };
    const at::Tensor x = map(spec->in_channels, in);
    const at::Tensor dy = map(spec->out_channels, out);
    const at::Tensor weight = at::randn({spec->out_channels, spec->in_channels / spec->groups,
                                         spec->kernel, spec->kernel},
                                        options)
                                  .contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor weight_grad = at::empty_like(weight, options.dtype(at::kFloat));
    const double forward = Best(rounds, [&] {
      at::Tensor y;
      ConvolveCpu(*spec, x, weight, &y);
    });
    const double backward = Best(rounds, [&] {
      at::Tensor dx;
      ConvolveBackwardCpu(*spec, dy, x, weight, first ? nullptr : &dx, weight_grad);
    });
    first = false;
    each.push_back({node.name, *spec, in, forward, backward});
    seconds.forward += forward;
    seconds.backward += backward;
    if (spec->groups > 1) seconds.depthwise += forward + backward;
    seconds.gflop_forward += 2e-9 * static_cast<double>(images * spec->MultiplyAdds(in));
  }
  return seconds;
}

}  // namespace headroom
