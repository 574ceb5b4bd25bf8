// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/ops/upsample.h"

namespace headroom {

// Writes the four pixels straight into every destination; backward sums the four and all sources
// into the gradient, allocating nothing. CPU only.
class UpsampleCpu : public Upsample {
 public:
  using Upsample::Upsample;
  [[nodiscard]] Bytes Workspace(const MapShape& /*input*/, Element /*activation*/) const override {
    return {};
  }
  void Forward(OperationCall& call) const override;
  void Backward(OperationCall& call) const override;
};

}  // namespace headroom
