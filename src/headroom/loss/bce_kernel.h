// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace headroom {

// Binary cross entropy with logits against targets of zero, over plain memory: the bulk of the
// class loss, since all but a few of an image's anchors * classes targets are zero. Returns
// sum(weight * softplus(logit)); NaN and infinite logits are carried into it.
//   gradients: empty, or of the logits' size: gets factor * weight * sigmoid(logit).
//   weights:   empty (ones), or of the logits' size.
// Vectorised (Highway, target chosen at run time); partial sums in double. Thread-safe.
double BinaryCrossEntropyOfNegatives(std::span<const float> logits, std::span<const float> weights,
                                     float factor, std::span<float> gradients);

}  // namespace headroom
