// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/graph.h"
#include "headroom/graph/shape.h"
#include "headroom/ops/convolution.h"

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

struct ConvolutionSeconds {
  struct Layer {
    std::string name;
    ConvolutionSpec spec;
    Extent input;
    double forward = 0;
    double backward = 0;
  };
  std::vector<Layer> layers;
  double forward = 0;
  double backward = 0;
  double depthwise = 0;      // Of both: the grouped ones.
  double gflop_forward = 0;  // 2 * multiply-adds.
};

// The convolutions of a graph by themselves, one after the other on tensors that exist, as LibTorch
// runs them: nothing else of a step can be faster than this leaves. Best of `rounds`, summed.
[[nodiscard]] ConvolutionSeconds TimeConvolutions(const Graph& graph, std::int64_t images,
                                                  const Extent& image, Element element, int rounds);

}  // namespace headroom
