// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/module_row.h"
#include "headroom/nn/network_builder.h"

namespace headroom {

// cv2(cv1(x)), plus x where `shortcut` and the widths agree.
class Bottleneck {
 public:
  struct Options {
    bool shortcut = true;
    std::int64_t groups = 1;  // Of cv2.
    std::int64_t first_kernel = 3;
    std::int64_t second_kernel = 3;
    double expansion = 0.5;
  };
  Bottleneck(NetworkBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
             const Options& options);
  ValueId Wire(NetworkBuilder& builder, ValueId x) const;

 private:
  ConvBlock cv1_;
  ConvBlock cv2_;
  bool adds_;
};

extern const ModuleRow kBottleneckRow;

}  // namespace headroom
