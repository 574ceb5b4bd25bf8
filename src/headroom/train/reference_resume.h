// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/train/checkpoint.h"

namespace headroom {

// Whether a run can be continued from the file: it is one of ours, or the reference wrote it during
// a training, with its optimizer.
[[nodiscard]] bool CanBeResumed(const CheckpointContents& file);

// Restores what the reference keeps of a run: weights (its EMA; the raw ones are not in the file),
// optimizer state, number of updates, stopper and results. Continues with the epoch after the
// file's. Groups may be in the order of 8.4 (weights, norms, biases; MuSGD's eight) or of 8.3
// (biases, weights, norms). Throws DataError when model or optimizer do not fit.
RunPosition RestoreReferenceCheckpoint(const CheckpointContents& file,
                                       const CheckpointParts& parts);

}  // namespace headroom
