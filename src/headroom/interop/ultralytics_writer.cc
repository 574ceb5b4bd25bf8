// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/ultralytics_writer.h"

#include <utility>
#include <vector>

namespace headroom {
namespace {

using Entries = std::vector<std::pair<const char*, PickleNode*>>;

PickleNode* OrEmpty(PickleHeap& heap, PickleNode* node) {
  return node != nullptr ? node : heap.Dict();
}
PickleNode* OrNone(PickleHeap& heap, PickleNode* node) {
  return node != nullptr ? node : heap.None();
}

PickleNode* Stopper(PickleHeap& heap, const StopperState& stopper) {
  PickleNode* node = heap.Dict();
  heap.Set(node, "best_fitness", heap.Float(stopper.best_fitness));
  heap.Set(node, "best_epoch", heap.Int(stopper.best_epoch));
  return node;
}

// The reference records its own source tree here; a run of ours has none.
PickleNode* Git(PickleHeap& heap) {
  PickleNode* node = heap.Dict();
  for (const char* key : {"root", "branch", "commit", "message", "origin"})
    heap.Set(node, key, heap.None());
  return node;
}

Entries StrippedEntries(PickleHeap& heap, const CheckpointSpec& spec, PickleNode* model) {
  return {{"date", heap.Text(spec.date)},
          {"version", heap.Text(spec.version)},
          {"license", heap.None()},
          {"docs", heap.None()},
          {"epoch", heap.Int(-1)},
          {"best_fitness", heap.None()},
          {"stopper", heap.None()},
          {"model", model},
          {"ema", heap.None()},
          {"updates", heap.None()},
          {"modelopt", heap.None()},
          {"optimizer", heap.None()},
          {"scaler", heap.None()},
          {"train_args", OrEmpty(heap, spec.train_args)},
          {"train_metrics", OrEmpty(heap, spec.train_metrics)},
          {"train_results", OrEmpty(heap, spec.train_results)},
          {"git", Git(heap)}};
}

Entries TrainingEntries(PickleHeap& heap, const CheckpointSpec& spec, PickleNode* model) {
  return {{"epoch", heap.Int(spec.epoch)},
          {"best_fitness", spec.best_fitness ? heap.Float(*spec.best_fitness) : heap.None()},
          {"stopper", Stopper(heap, spec.stopper)},
          {"model", heap.None()},
          {"ema", model},
          {"updates", heap.Int(spec.updates)},
          {"modelopt", heap.None()},
          {"optimizer", OrNone(heap, spec.optimizer)},
          {"scaler", heap.Dict()},
          {"train_args", OrEmpty(heap, spec.train_args)},
          {"train_metrics", OrEmpty(heap, spec.train_metrics)},
          {"train_results", OrEmpty(heap, spec.train_results)},
          {"date", heap.Text(spec.date)},
          {"version", heap.Text(spec.version)},
          {"git", Git(heap)},
          {"license", heap.None()},
          {"docs", heap.None()}};
}

}  // namespace

Result<PickleNode*> MakeCheckpoint(PickleHeap& heap, const CheckpointSpec& spec,
                                   const TensorsByName& tensors) {
  const auto model = MakeDetectionModel(heap, spec.network, tensors, spec.weights);
  if (!model) return Failure{model.error()};
  const Entries entries = spec.form == CheckpointForm::kStripped
                              ? StrippedEntries(heap, spec, *model)
                              : TrainingEntries(heap, spec, *model);
  PickleNode* root = heap.Dict();
  for (const auto& [key, value] : entries) heap.Set(root, key, value);
  if (spec.headroom != nullptr) heap.Set(root, "headroom", spec.headroom);
  return root;
}

MemoryNeed EstimateCheckpointMemory(std::size_t tensor_count, Bytes largest_tensor) {
  // A tensor costs about 60 nodes of 48 bytes with their text and its share of the module's fields,
  // the writer's memo of them, and 300 bytes of pickle.
  constexpr std::uint64_t kBytesPerTensor = 12'000;
  return {MemoryTag::kCheckpoint, Bytes::Of(tensor_count, kBytesPerTensor) + largest_tensor,
          NeedBasis::kAssumed};
}

}  // namespace headroom
