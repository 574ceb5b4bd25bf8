// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/ops/pixels.h"

namespace headroom {

// One vectorised pass for three channels; others as the reference does. CPU only.
class PixelsCpu : public Pixels {
 public:
  using Pixels::Pixels;
  void Forward(OperationCall& call) const override;
};

}  // namespace headroom
