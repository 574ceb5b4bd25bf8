// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/module_row.h"
#include "headroom/nn/network_builder.h"
#include "headroom/nn/psa_block.h"

#include <vector>

namespace headroom {

// cv1 to two halves; the second through PSA blocks; cv2 over both.
class C2Psa {
 public:
  C2Psa(NetworkBuilder& builder, const std::string& name, std::int64_t channels, int repeats,
        double expansion);
  ValueId Wire(NetworkBuilder& builder, ValueId x) const;

 private:
  std::int64_t hidden_;
  ConvBlock cv1_;
  ConvBlock cv2_;
  std::vector<PsaBlock> blocks_;
};

extern const ModuleRow kC2PsaRow;

}  // namespace headroom
