// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/loss/batch_targets.h"

namespace headroom {

// Measures losses beside a validation. Images come in pieces, and a piece whose memory was refused
// comes again: only what is committed counts.
class LossMeter {
 public:
  virtual ~LossMeter() = default;

  // Of the images that the detector ran last; writes scratch only.
  virtual void Measure(const BatchTargets& targets) = 0;
  virtual void Commit() = 0;
  // The pieces since the last call were one nominal batch.
  virtual void EndBatch() = 0;
};

}  // namespace headroom
