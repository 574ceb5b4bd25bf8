// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/data/augment/augment_options.h"
#include "headroom/data/dataset_index.h"
#include "headroom/nn/model.h"

#include <vector>

namespace headroom {

// What the options of a training run mean for its parts.

[[nodiscard]] AugmentOptions Augmentations(const Options& o);

// Layers that are trained, by freeze= (a count from the front, or a list of layer numbers). Empty:
// all. Throws ConfigError when nothing is left.
[[nodiscard]] std::vector<bool> TrainedLayers(const Options& options, const Model& model);
// Parameters of frozen layers are not trainable.
void MarkFrozen(const std::vector<bool>& trained, ParameterStore& store);

// Weights of the classes in the loss, count^-power scaled to a mean of 1 (cls_pw=); empty for 0.
[[nodiscard]] std::vector<float> ClassWeights(double power, int classes, const DatasetIndex& index);

}  // namespace headroom
