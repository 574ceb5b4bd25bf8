// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/file.h"
#include "headroom/core/result.h"
#include "headroom/interop/network_writer.h"
#include "headroom/interop/pickle_value.h"
#include "headroom/interop/ultralytics_checkpoint.h"
#include "headroom/memory/memory_need.h"

#include <cstdint>
#include <optional>
#include <string>

namespace headroom {

enum class CheckpointForm : std::uint8_t {
  kStripped,    // best.pt and last.pt after training: `model`, no optimizer, epoch -1.
  kInTraining,  // What the reference resumes from: `ema`, optimizer, epoch.
};

// What one checkpoint file holds. Nodes are of the heap given to MakeCheckpoint; null nodes become
// empty dicts (train_*) or None.
struct CheckpointSpec {
  CheckpointForm form = CheckpointForm::kStripped;
  NetworkFacts network;
  WeightType weights = WeightType::kHalf;

  // In training only.
  std::int64_t epoch = -1;  // The last complete one, from 0.
  std::optional<double> best_fitness;
  StopperState stopper;
  std::int64_t updates = 0;
  PickleNode* optimizer = nullptr;  // A torch optimizer's state_dict().

  PickleNode* train_args = nullptr;     // Only keys that the reference knows.
  PickleNode* train_metrics = nullptr;  // With "fitness".
  PickleNode* train_results = nullptr;  // Lists by column of results.csv.
  std::string date;                     // ISO 8601 with zone.
  std::string version = "8.4.190";      // Whose file format this is: readers look at it.
  PickleNode* headroom = nullptr;       // Our own entry; left out when null.
};

// The checkpoint's dict, keys in the reference's order. Pass it to WriteTorchArchive. The bytes of
// the tensors must live until then. Fails for a network whose layers and rows differ.
[[nodiscard]] Result<PickleNode*> MakeCheckpoint(PickleHeap& heap, const CheckpointSpec& spec,
                                                 const TensorsByName& tensors);

// What writing holds beside the caller's tensors: the pickle and its values, which depend on the
// number of tensors alone, and the largest tensor in float16.
[[nodiscard]] MemoryNeed EstimateCheckpointMemory(std::size_t tensor_count, Bytes largest_tensor);

}  // namespace headroom
