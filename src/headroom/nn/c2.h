// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/bottleneck.h"
#include "headroom/nn/module_row.h"

#include <string>
#include <vector>

namespace headroom {

// cv1 to two halves; the first through a chain of bottlenecks; cv2 over what comes out and the
// other half.
class C2 {
 public:
  struct Options {
    int repeats = 1;
    bool shortcut = true;
    std::int64_t groups = 1;
    double expansion = 0.5;
  };
  C2(NetworkBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
     const Options& options);
  ValueId Wire(NetworkBuilder& builder, ValueId x) const;

 private:
  std::int64_t hidden_;
  ConvBlock cv1_;
  ConvBlock cv2_;
  std::vector<Bottleneck> chain_;
};

extern const ModuleRow kC2Row;

}  // namespace headroom
