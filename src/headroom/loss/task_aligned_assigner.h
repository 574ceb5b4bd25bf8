// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/box.h"
#include "headroom/loss/anchor_grid.h"
#include "headroom/loss/batch_targets.h"
#include "headroom/loss/row_top_picks.h"
#include "headroom/loss/workspace.h"

#include <cstdint>
#include <span>

namespace headroom {

struct AssignerOptions {
  int topk = 10;       // Anchors that a box picks.
  int topk2 = 10;      // Anchors that a box keeps once conflicts are resolved; not above topk.
  float alpha = 0.5F;  // Exponent of the class score.
  float beta = 6.F;    // Exponent of the overlap.
  // Sides of a box below this many pixels count as this many where anchors inside it are looked
  // for.
  float min_side = 16.F;
};

// One anchor that answers for a box. Its class target is `weight` at the box's class, its box
// target the box, its weight in the box terms `weight`.
struct AssignedAnchor {
  std::int32_t anchor = 0;
  std::int32_t box = 0;  // Index among the image's boxes.
  float weight = 0;
  float metric = 0;
  float overlap = 0;
};

// What the assigner reads of an image's predictions.
struct ImagePredictions {
  std::span<const Xyxy> boxes;  // [anchors], pixels. Only those that MarkCandidates marks are read.
  // Class logits of a level's anchors: classes floats at data + cell * row_stride.
  struct LevelLogits {
    const float* data = nullptr;
    std::int64_t row_stride = 0;
  };
  std::span<const LevelLogits> logits;  // One a level.
};

// Memory of one assignment: O(anchors + boxes * topk), whatever the boxes' sizes.
class AssignerWorkspace {
 public:
  AssignerWorkspace(WorkspaceCarver& carver, std::int32_t anchors, std::int64_t max_boxes,
                    int topk);

 private:
  friend class TaskAlignedAssigner;
  std::span<float> angles_;             // [anchors] atan(w / h) of the predicted box.
  std::span<float> best_overlap_;       // [anchors] over all boxes whose candidate it is.
  std::span<std::int32_t> best_box_;    // [anchors]
  std::span<std::int32_t> owner_;       // [anchors] box, or one of the marks below.
  std::span<AnchorPick> picks_;         // [boxes][topk], best first.
  std::span<std::int32_t> pick_count_;  // [boxes]
  std::span<float> top_metric_;         // [boxes]
  std::span<float> top_overlap_;        // [boxes]
  std::span<AssignedAnchor> assigned_;  // [min(anchors, boxes * topk)]
  std::span<AnchorPick> row_;           // Scratch of RowTopPicks, the sorted picks before it.
};

// Assigns anchors to the boxes of one image (TOOD, Feng et al. 2021, arXiv:2108.07755, sec. 3.2):
//   metric = sigmoid(logit of the box's class)^alpha * max(CIoU, 0)^beta for the anchors inside the
//   box; every box picks its topk anchors of positive metric; an anchor picked more than once goes
//   to the box it overlaps most among all whose candidate it is; each box then keeps its topk2
//   best; weight = metric * (largest overlap of the box) / (largest metric of the box + 1e-9).
// A box with fewer than topk anchors of positive metric also picks anchors of metric zero, as the
// reference does: they weigh nothing, but one that another box picks too is a conflict, and may go
// to a third box. Which ones, of all the zeros of a row, RowTopPicks tells. Other ties go to the
// lower anchor, then the lower box. Boxes are streamed: no (boxes x anchors) block exists. Time
// O(anchors + sum of candidates). Thread-safe (const); a workspace serves one call at a time.
class TaskAlignedAssigner {
 public:
  explicit TaskAlignedAssigner(const AssignerOptions& options);

  // Sets covered[a] to 1 where anchor a is a candidate of any box, 0 elsewhere.
  void MarkCandidates(const AnchorGrid& grid, std::span<const TrueBox> boxes,
                      std::span<std::uint8_t> covered) const;

  // The assigned anchors in ascending order, in the workspace's memory.
  std::span<const AssignedAnchor> Assign(const AnchorGrid& grid, std::span<const TrueBox> boxes,
                                         std::span<const std::uint8_t> covered,
                                         const ImagePredictions& predictions,
                                         AssignerWorkspace& workspace) const;

  // The box whose inside holds the candidates; empty (all zeros) for a box that counts as padding.
  [[nodiscard]] Xyxy SearchBox(const Xyxy& box) const;
  [[nodiscard]] const AssignerOptions& options() const { return options_; }

 private:
  [[nodiscard]] float Metric(float score, float overlap) const;
  void PickAnchors(const AnchorGrid& grid, std::span<const TrueBox> boxes,
                   const ImagePredictions& predictions, AssignerWorkspace& workspace) const;
  void PickZeros(const AnchorGrid& grid, const Xyxy& search, std::int32_t box,
                 std::span<const AnchorPick> positive, AssignerWorkspace& workspace) const;
  [[nodiscard]] std::size_t ResolveConflicts(const AnchorGrid& grid, std::span<const TrueBox> boxes,
                                             const ImagePredictions& predictions,
                                             AssignerWorkspace& workspace) const;
  [[nodiscard]] std::size_t KeepBest(std::size_t count, std::size_t boxes,
                                     AssignerWorkspace& workspace) const;
  // Sets the weights and drops what weighs nothing; returns what is left.
  static std::size_t Normalise(std::span<AssignedAnchor> assigned, std::size_t boxes,
                               AssignerWorkspace& workspace);

  AssignerOptions options_;
};

}  // namespace headroom
