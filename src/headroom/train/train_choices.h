// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/data/augment/augment_options.h"
#include "headroom/data/dataset_index.h"
#include "headroom/nn/model.h"

#include <vector>

namespace headroom {

// What the options of a training run mean for its parts.

// Of the coarsest map: image sides are multiples of it.
inline constexpr int kStride = 32;

[[nodiscard]] AugmentOptions Augmentations(const Options& o);

// Parameters that freeze= names (a count of layers from the front, layer numbers, parts of names
// such as 23.cv2) are no longer trainable. Throws ConfigError when nothing is left or a word fits
// none.
void MarkFrozen(const Options& options, ParameterStore& store);
// Layers of which at least something is trained; empty: all.
[[nodiscard]] std::vector<bool> TrainedLayers(const Model& model);

// Weights of the classes in the loss, count^-power scaled to a mean of 1 (cls_pw=); empty for 0.
[[nodiscard]] std::vector<float> ClassWeights(double power, int classes, const DatasetIndex& index);

}  // namespace headroom
