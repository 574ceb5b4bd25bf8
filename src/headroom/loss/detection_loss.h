// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/loss/anchor_grid.h"
#include "headroom/loss/batch_targets.h"
#include "headroom/loss/task_aligned_assigner.h"
#include "headroom/memory/memory_need.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace headroom {

struct DetectionLossOptions {
  int classes = 0;
  // Bins of a side's distribution; 1: the head gives the distances themselves, and an L1 term
  // stands in for the distribution focal loss.
  int reg_max = 16;
  std::vector<int> strides = {8, 16, 32};
  double box_gain = 7.5;
  double class_gain = 0.5;
  double distance_gain = 1.5;  // The option `dfl`; of the L1 term too.
  int topk = 10;               // See AssignerOptions.
  int topk2 = 10;
  // Weight of each class in the binary cross entropy; empty: ones.
  std::vector<float> class_weights;

  // The assigner's share: small boxes are searched at the second stride's size.
  [[nodiscard]] AssignerOptions assigner() const;
};

// The raw outputs of one head, or the gradients by them. Per level [b, 4 * reg_max, H, W] and
// [b, classes, H, W], fp32. On a CPU the memory is channels-last: the channels of a cell lie
// together (cells may be further apart, so a channel slice of a wider map will do).
struct HeadMaps {
  std::vector<at::Tensor> boxes;
  std::vector<at::Tensor> classes;
};

// Sums over images, gains applied, not divided by the batch's normaliser. Every term is linear in
// its inverse, so sums of micro-batches add up to the batch's exactly.
struct LossSums {
  double box = 0;
  double classification = 0;
  double distance = 0;       // DFL, or L1 where reg_max is 1.
  double target_scores = 0;  // N; the targets are constants, so it has no gradient.

  LossSums& operator+=(const LossSums& other);
  friend LossSums operator+(LossSums a, const LossSums& b) { return a += b; }
  // max(N, 1): what the sums and the gradients of a whole batch are divided by.
  [[nodiscard]] double normaliser() const { return target_scores > 1 ? target_scores : 1; }
  [[nodiscard]] double sum() const { return box + classification + distance; }
};

// The loss of one detection head:
//   box_gain * sum over assigned anchors of weight * (1 - CIoU)
//   class_gain * sum over anchors and classes of BCE(logit, weight at the assigned box's class)
//   distance_gain * sum over assigned anchors of weight * mean over sides of (DFL or L1).
// A batch's loss value is images * sum() / normaliser(). Images are independent of each other.
// Not thread-safe: it keeps the workspace of its calls.
class DetectionLoss {
 public:
  virtual ~DetectionLoss() = default;

  // Overwrites `gradients` (tensors of the maps' shapes and layout) with d(sum()) / d(map) * scale.
  // Throws InternalError where shapes, type or layout are not as described.
  virtual LossSums ForwardBackward(const HeadMaps& maps, const BatchTargets& targets, double scale,
                                   HeadMaps& gradients) = 0;
  virtual LossSums Forward(const HeadMaps& maps, const BatchTargets& targets) = 0;

  // Allocates now what calls up to this size will use.
  virtual void Reserve(const AnchorGrid& grid, std::int64_t images, std::int64_t max_boxes) = 0;

  [[nodiscard]] const DetectionLossOptions& options() const { return options_; }

 protected:
  explicit DetectionLoss(DetectionLossOptions options);
  // Checks the maps against the options and the targets; the grid they make.
  [[nodiscard]] AnchorGrid CheckedGrid(const HeadMaps& maps, const BatchTargets& targets) const;

 private:
  DetectionLossOptions options_;
};

// Analytic gradients over plain memory; CPU tensors only. Images run in parallel; the result does
// not depend on the number of threads. Allocates no tensor once the workspace has its size.
std::unique_ptr<DetectionLoss> MakeCpuDetectionLoss(DetectionLossOptions options);
// The obvious twin: ATen operations and autograd on the maps, image by image, on any device and in
// fp32 or fp64.
std::unique_ptr<DetectionLoss> MakeReferenceDetectionLoss(DetectionLossOptions options);

// What MakeCpuDetectionLoss holds for calls up to this size: one workspace a thread.
[[nodiscard]] MemoryNeed EstimateMemory(const DetectionLossOptions& options, const AnchorGrid& grid,
                                        std::int64_t images, std::int64_t max_boxes);

// Zero-filled tensors of the maps' shapes and layout.
[[nodiscard]] HeadMaps ZerosLike(const HeadMaps& maps);

}  // namespace headroom
