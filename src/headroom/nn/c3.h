// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/bottleneck.h"
#include "headroom/nn/network_builder.h"

#include <vector>

namespace headroom {

// cv3(concat(m(cv1(x)), cv2(x))) with m a chain of bottlenecks. C3k uses two 3x3 convolutions in
// its bottlenecks, C3 a 1x1 and a 3x3.
class C3 {
 public:
  struct Options {
    int repeats = 1;
    bool shortcut = true;
    double expansion = 0.5;
    std::int64_t first_kernel = 1;
  };
  C3(NetworkBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
     const Options& options);
  ValueId Wire(NetworkBuilder& builder, ValueId x) const;

 private:
  ConvBlock cv1_;
  ConvBlock cv2_;
  ConvBlock cv3_;
  std::vector<Bottleneck> chain_;
};

}  // namespace headroom
