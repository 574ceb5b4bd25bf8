// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/module_row.h"
#include "headroom/nn/network_builder.h"

namespace headroom {

// cv2(concat(y, pool(y), pool(pool(y)), ...)), y = cv1(x); plus x where `shortcut` and widths
// agree.
class Sppf {
 public:
  struct Options {
    std::int64_t kernel = 5;
    std::int64_t pools = 3;
    bool shortcut = false;
    ConvActivation first_activation = ConvActivation::kModels;  // YOLO26 has none in cv1.
  };
  Sppf(NetworkBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
       const Options& options);
  ValueId Wire(NetworkBuilder& builder, ValueId x) const;

 private:
  std::string name_;
  Options options_;
  bool adds_;
  ConvBlock cv1_;
  ConvBlock cv2_;
};

extern const ModuleRow kSppfRow;

}  // namespace headroom
