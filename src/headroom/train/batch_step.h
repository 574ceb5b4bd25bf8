// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/loader.h"
#include "headroom/graph/executor.h"
#include "headroom/nn/model.h"
#include "headroom/train/head_loss.h"
#include "headroom/train/norm_statistics.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace headroom {

struct BatchStepOptions {
  std::int64_t micro_batch = 16;
  Element activation = Element::kFloat32;
  Recompute recompute = Recompute::kActivations;
  std::vector<bool> trained_layers;  // Empty: all.
  // On a CPU, results of convolutions lie in the arena (needs InstallCpuAllocator).
  bool place_results = true;
};

struct BatchResult {
  LossItems items;  // Of the whole batch.
  double loss = 0;  // What the gradients are of.
  std::int64_t instances = 0;
  int micro_batches = 0;
};

// Forward, loss and backward of one batch, in micro-batches whose sum is the batch exactly: each
// back-propagates un-normalised sums, and at the batch's end they are scaled by images / N, N the
// sum of target scores over the batch (every loss term is linear in 1 / N, which has no
// gradient). Sums are kept in range by the previous batch's N. Batch-norm normalises per
// micro-batch; running statistics are updated once a batch.
// A micro-batch is a transaction: nothing outside scratch changes before it has succeeded.
class BatchStep {
 public:
  BatchStep(Model& model, Executor& executor, HeadLoss& loss, const BatchStepOptions& options);

  // Called when a micro-batch could not get its memory: what was said, and how often these images
  // have failed (1 is the first time; 0: they were broken off to give way). It frees, or makes the
  // step smaller (set_micro_batch, set_recompute), and returns true; the same images are then run
  // again. False: the failure is thrown on. Unset: thrown on.
  std::function<bool(const std::string& what, int failures)> on_out_of_memory;

  // Called between two micro-batches of a batch, with nothing of it loaded: it may make those that
  // are still to come larger or smaller. May be unset.
  std::function<void()> between_micro_batches;

  // A micro-batch of `images` blank pictures of this extent, `boxes` in the first: everything that
  // a step allocates is there afterwards. What it computes is thrown away.
  void WarmUp(std::int64_t images, const Extent& extent, std::int64_t boxes);

  // Images [first, first + count) of the epoch, at this extent; acknowledges them to the loader.
  // Adds the batch's gradients to pending().
  BatchResult Run(Loader& loader, std::int64_t first, std::int64_t count, const Extent& extent);

  // Gradients that wait for the optimizer; laid out as the parameters. Zero them after a step.
  [[nodiscard]] at::Tensor& pending() { return pending_; }
  // Normalisers of the last batch: part of a checkpoint, since they scale the next one's sums.
  [[nodiscard]] HeadSums& previous() { return previous_; }
  [[nodiscard]] const BatchStepOptions& options() const { return options_; }
  void set_micro_batch(std::int64_t images) { options_.micro_batch = images; }
  void set_recompute(Recompute recompute) { options_.recompute = recompute; }
  [[nodiscard]] ProgramOptions MakeProgramOptions(std::int64_t images, const Extent& extent) const;

 private:
  [[nodiscard]] HeadSums RunMicroBatch(Loader& loader, std::int64_t first, std::int64_t images,
                                       const Extent& extent);
  void KeepSum();
  void LoadProgram(std::int64_t images, const Extent& extent);
  void AddToPending(const at::Tensor& gradients, const HeadSums& sums, std::int64_t images);

  Model& model_;
  Executor& executor_;
  HeadLoss& loss_;
  BatchStepOptions options_;
  NormStatistics norms_;
  BatchTargets targets_;
  at::Tensor pending_;
  at::Tensor batch_;  // Sum over micro-batches, while a batch has several.
  HeadSums previous_;
  std::int64_t one_to_one_offset_;  // Parameters from here on belong to the one-to-one head.
};

}  // namespace headroom
