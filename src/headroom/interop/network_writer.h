// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/interop/module_writer.h"

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

// A detection network for a checkpoint, without its tensors.
struct NetworkFacts {
  // The model YAML as a dict: backbone and head are lists of [from, repeats, module, args], as the
  // reference stores them (nc, scales, scale, yaml_file and channels beside them, not looked at).
  PickleNode* yaml = nullptr;
  // The Sequential of its layers, one for each row.
  const ModuleTree* layers = nullptr;
  std::vector<std::string> names;
  std::vector<float> strides;  // Of the head's levels, px.
  PickleNode* args = nullptr;  // The training arguments as a dict; null for none.
};

// Writes ultralytics.nn.tasks.DetectionModel with those layers, of whatever modules they are made.
// The tensors are named as in a state dict ("model.0.conv.weight"). Fails when rows and layers do
// not belong together.
[[nodiscard]] Result<PickleNode*> MakeDetectionModel(PickleHeap& heap, const NetworkFacts& facts,
                                                     const TensorsByName& tensors, WeightType type);

}  // namespace headroom
