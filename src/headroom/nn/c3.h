// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/bottleneck.h"
#include "headroom/nn/module_row.h"
#include "headroom/nn/network_builder.h"

#include <optional>
#include <vector>

namespace headroom {

// cv3(concat(m(cv1(x)), cv2(x))) with m a chain of bottlenecks: in C3 a 1x1 and a 3x3 convolution,
// in C3k two of one kernel.
class C3 {
 public:
  struct Options {
    int repeats = 1;
    bool shortcut = true;
    std::int64_t groups = 1;
    double expansion = 0.5;
    std::optional<std::int64_t> kernel;  // C3k's; a C3 without.
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

extern const ModuleRow kC3Row;
extern const ModuleRow kC3kRow;

}  // namespace headroom
