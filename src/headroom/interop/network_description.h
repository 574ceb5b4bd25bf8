// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/interop/module_description.h"

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

// What of a detection network is not in its tensors.
struct NetworkFacts {
  // The model YAML as a dict: backbone and head are lists of [from, repeats, module, args], as the
  // reference stores them (nc, scales, scale, yaml_file and channels beside them, not looked at).
  PickleNode* yaml = nullptr;
  std::vector<std::string> names;
  std::vector<float> strides;  // Of the head's levels, px.
  bool uses_one_to_one = false;
  std::int64_t max_det = 300;
  PickleNode* args = nullptr;  // The training arguments as a dict; null for none.
};

// Describes ultralytics.nn.tasks.DetectionModel with the layers of the YAML (Conv, DWConv, C2f, C3,
// C3k2, SPPF, C2PSA, nn.Upsample, Concat, Detect). The tensors are named as in a state dict and
// must outlive the description. Fails for a layer of another kind, by number and name.
[[nodiscard]] Result<ModuleDescription> DescribeDetectionModel(PickleHeap& heap,
                                                               const NetworkFacts& facts,
                                                               const TensorsByName& tensors);

}  // namespace headroom
