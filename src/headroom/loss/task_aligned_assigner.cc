// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/task_aligned_assigner.h"

#include "headroom/core/check.h"
#include "headroom/loss/ciou.h"

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

constexpr std::int32_t kNobody = -1;
constexpr std::int32_t kSeveral = -2;

Corners<float> ToCorners(const Xyxy& b) { return {b.x1, b.y1, b.x2, b.y2}; }

float Sigmoid(float x) { return 1.F / (1.F + std::exp(-x)); }

// CIoU clamped at zero. Without an intersection it is never positive, so most pairs end early.
float Overlap(const Corners<float>& box, float box_angle, const Xyxy& prediction,
              float prediction_angle) {
  const Corners<float> other = ToCorners(prediction);
  if (!(std::min(box[2], other[2]) > std::max(box[0], other[0]))) return 0;
  if (!(std::min(box[3], other[3]) > std::max(box[1], other[1]))) return 0;
  const float value = ComputeCiou(box, box_angle, other, prediction_angle).value;
  return value > 0 ? value : 0;  // NaN counts as none.
}

// Inserts into a list kept best first; equal metrics stay in order of arrival.
void InsertBest(std::span<AnchorPick> list, std::int32_t& count, int capacity,
                const AnchorPick& pick) {
  if (count == capacity && !(pick.metric > list[static_cast<std::size_t>(capacity) - 1].metric))
    return;
  auto at = static_cast<std::size_t>(count < capacity ? count++ : capacity - 1);
  for (; at > 0 && pick.metric > list[at - 1].metric; --at) list[at] = list[at - 1];
  list[at] = pick;
}

// visit(level, cell, anchor) for the anchors inside the box, in ascending order.
template <typename Visit>
void ForEachCandidate(const AnchorGrid& grid, const Xyxy& search, const Visit& visit) {
  for (std::size_t l = 0; l < grid.levels().size(); ++l) {
    const AnchorLevel& level = grid.levels()[l];
    const CellRange cells = CellsInside(level, search);
    for (int row = cells.row_begin; row < cells.row_end; ++row) {
      for (int column = cells.column_begin; column < cells.column_end; ++column) {
        const std::int32_t cell = row * level.width + column;
        visit(l, cell, level.first_anchor + cell);
      }
    }
  }
}

bool Contains(const AnchorGrid& grid, const Xyxy& search, std::int32_t anchor) {
  const AnchorLevel& level = grid.LevelOf(anchor);
  const CellRange cells = CellsInside(level, search);
  const std::int32_t cell = anchor - level.first_anchor;
  const std::int32_t row = cell / level.width;
  const std::int32_t column = cell % level.width;
  return row >= cells.row_begin && row < cells.row_end && column >= cells.column_begin &&
         column < cells.column_end;
}

// An anchor that one more box has picked.
void AddOwner(std::int32_t& owner, std::int32_t box) { owner = owner == kNobody ? box : kSeveral; }

}  // namespace

AssignerWorkspace::AssignerWorkspace(WorkspaceCarver& carver, std::int32_t anchors,
                                     std::int64_t max_boxes, int topk)
    : angles_(carver.Take<float>(anchors)),
      best_overlap_(carver.Take<float>(anchors)),
      best_box_(carver.Take<std::int32_t>(anchors)),
      owner_(carver.Take<std::int32_t>(anchors)),
      picks_(carver.Take<AnchorPick>(max_boxes * topk)),
      pick_count_(carver.Take<std::int32_t>(max_boxes)),
      top_metric_(carver.Take<float>(max_boxes)),
      top_overlap_(carver.Take<float>(max_boxes)),
      assigned_(carver.Take<AssignedAnchor>(std::min<std::int64_t>(anchors, max_boxes * topk))),
      row_(carver.Take<AnchorPick>(topk + RowTopScratch(anchors, topk))) {}

TaskAlignedAssigner::TaskAlignedAssigner(const AssignerOptions& options) : options_(options) {
  HEADROOM_CHECK(options.topk >= 1 && options.topk2 >= 1 && options.topk2 <= options.topk,
                 "the assigner needs 1 <= topk2 <= topk");
}

Xyxy TaskAlignedAssigner::SearchBox(const Xyxy& box) const {
  if (!(box.x1 + box.y1 + box.x2 + box.y2 > 0)) return {};
  Xyxy search = box;
  if (box.width() < options_.min_side) {
    const float centre = (box.x1 + box.x2) / 2;
    search.x1 = centre - options_.min_side / 2;
    search.x2 = centre + options_.min_side / 2;
  }
  if (box.height() < options_.min_side) {
    const float centre = (box.y1 + box.y2) / 2;
    search.y1 = centre - options_.min_side / 2;
    search.y2 = centre + options_.min_side / 2;
  }
  return search;
}

void TaskAlignedAssigner::MarkCandidates(const AnchorGrid& grid, std::span<const TrueBox> boxes,
                                         std::span<std::uint8_t> covered) const {
  std::fill(covered.begin(), covered.end(), std::uint8_t{0});
  for (const TrueBox& target : boxes) {
    const Xyxy search = SearchBox(target.box);
    for (const AnchorLevel& level : grid.levels()) {
      const CellRange cells = CellsInside(level, search);
      if (cells.empty()) continue;
      for (int row = cells.row_begin; row < cells.row_end; ++row) {
        std::fill_n(covered.begin() + level.first_anchor + row * level.width + cells.column_begin,
                    cells.column_end - cells.column_begin, std::uint8_t{1});
      }
    }
  }
}

float TaskAlignedAssigner::Metric(float score, float overlap) const {
  const float score_part =
      options_.alpha == 0.5F ? std::sqrt(score) : std::pow(score, options_.alpha);
  const float square = overlap * overlap;
  const float overlap_part =
      options_.beta == 6.F ? square * square * square : std::pow(overlap, options_.beta);
  return score_part * overlap_part;
}

std::span<const AssignedAnchor> TaskAlignedAssigner::Assign(const AnchorGrid& grid,
                                                            std::span<const TrueBox> boxes,
                                                            std::span<const std::uint8_t> covered,
                                                            const ImagePredictions& predictions,
                                                            AssignerWorkspace& workspace) const {
  const auto anchors = static_cast<std::size_t>(grid.anchors());
  HEADROOM_CHECK(covered.size() == anchors && predictions.boxes.size() == anchors &&
                     workspace.owner_.size() >= anchors &&
                     workspace.pick_count_.size() >= boxes.size(),
                 "the assigner's arrays do not fit the grid");
  if (boxes.empty()) return {};
  for (std::size_t a = 0; a < anchors; ++a) {
    workspace.best_overlap_[a] = 0;
    workspace.owner_[a] = kNobody;
    if (covered[a] != 0) workspace.angles_[a] = AspectAngle(ToCorners(predictions.boxes[a]));
  }
  PickAnchors(grid, boxes, predictions, workspace);
  std::size_t count = ResolveConflicts(grid, boxes, predictions, workspace);
  if (options_.topk2 < options_.topk) count = KeepBest(count, boxes.size(), workspace);
  count = Normalise(workspace.assigned_.first(count), boxes.size(), workspace);
  return workspace.assigned_.first(count);
}

void TaskAlignedAssigner::PickAnchors(const AnchorGrid& grid, std::span<const TrueBox> boxes,
                                      const ImagePredictions& predictions,
                                      AssignerWorkspace& workspace) const {
  const auto topk = static_cast<std::size_t>(options_.topk);
  for (std::size_t b = 0; b < boxes.size(); ++b) {
    const TrueBox& target = boxes[b];
    const Corners<float> box = ToCorners(target.box);
    const float angle = AspectAngle(box);
    const auto picks = workspace.picks_.subspan(b * topk, topk);
    std::int32_t& count = workspace.pick_count_[b] = 0;
    bool has_zeros = false;
    const Xyxy search = SearchBox(target.box);
    ForEachCandidate(grid, search, [&](std::size_t level, std::int32_t cell, std::int32_t anchor) {
      const auto a = static_cast<std::size_t>(anchor);
      const float overlap = Overlap(box, angle, predictions.boxes[a], workspace.angles_[a]);
      has_zeros |= overlap == 0;
      if (overlap == 0) return;
      if (overlap > workspace.best_overlap_[a]) {
        workspace.best_overlap_[a] = overlap;
        workspace.best_box_[a] = static_cast<std::int32_t>(b);
      }
      const ImagePredictions::LevelLogits& logits = predictions.logits[level];
      const float metric =
          Metric(Sigmoid(logits.data[cell * logits.row_stride + target.class_id]), overlap);
      has_zeros |= metric == 0;
      if (metric > 0) InsertBest(picks, count, options_.topk, {anchor, metric});
    });
    const auto positive = picks.first(static_cast<std::size_t>(count));
    for (const AnchorPick& pick : positive)
      AddOwner(workspace.owner_[static_cast<std::size_t>(pick.anchor)],
               static_cast<std::int32_t>(b));
    if (has_zeros && count < options_.topk)
      PickZeros(grid, search, static_cast<std::int32_t>(b), positive, workspace);
  }
}

void TaskAlignedAssigner::PickZeros(const AnchorGrid& grid, const Xyxy& search, std::int32_t box,
                                    std::span<const AnchorPick> positive,
                                    AssignerWorkspace& workspace) const {
  const auto sorted = workspace.row_.first(positive.size());
  std::copy(positive.begin(), positive.end(), sorted.begin());
  std::sort(sorted.begin(), sorted.end(),
            [](const AnchorPick& a, const AnchorPick& b) { return a.anchor < b.anchor; });
  const auto scratch = workspace.row_.subspan(static_cast<std::size_t>(options_.topk));
  for (const AnchorPick& pick : RowTopPicks(grid.anchors(), options_.topk, sorted, scratch)) {
    if (pick.metric == 0 && Contains(grid, search, pick.anchor))
      AddOwner(workspace.owner_[static_cast<std::size_t>(pick.anchor)], box);
  }
}

std::size_t TaskAlignedAssigner::ResolveConflicts(const AnchorGrid& grid,
                                                  std::span<const TrueBox> boxes,
                                                  const ImagePredictions& predictions,
                                                  AssignerWorkspace& workspace) const {
  std::size_t count = 0;
  for (std::size_t l = 0; l < grid.levels().size(); ++l) {
    const AnchorLevel& level = grid.levels()[l];
    const ImagePredictions::LevelLogits& logits = predictions.logits[l];
    for (std::int32_t cell = 0; cell < level.anchors(); ++cell) {
      const auto a = static_cast<std::size_t>(level.first_anchor + cell);
      if (workspace.owner_[a] == kNobody) continue;
      // Picked by several boxes and overlapping none.
      if (workspace.owner_[a] == kSeveral && workspace.best_overlap_[a] == 0) continue;
      const std::int32_t b =
          workspace.owner_[a] == kSeveral ? workspace.best_box_[a] : workspace.owner_[a];
      const TrueBox& target = boxes[static_cast<std::size_t>(b)];
      const Corners<float> box = ToCorners(target.box);
      const float overlap =
          Overlap(box, AspectAngle(box), predictions.boxes[a], workspace.angles_[a]);
      const float score = Sigmoid(logits.data[cell * logits.row_stride + target.class_id]);
      workspace.assigned_[count++] = {.anchor = level.first_anchor + cell,
                                      .box = b,
                                      .weight = 0,
                                      .metric = Metric(score, overlap),
                                      .overlap = overlap};
    }
  }
  return count;
}

std::size_t TaskAlignedAssigner::KeepBest(std::size_t count, std::size_t boxes,
                                          AssignerWorkspace& workspace) const {
  const auto topk = static_cast<std::size_t>(options_.topk);
  std::fill_n(workspace.pick_count_.begin(), boxes, 0);
  for (const AssignedAnchor& a : workspace.assigned_.first(count)) {
    const auto b = static_cast<std::size_t>(a.box);
    InsertBest(workspace.picks_.subspan(b * topk, topk), workspace.pick_count_[b], options_.topk2,
               {a.anchor, a.metric});
  }
  const auto kept = [&](const AssignedAnchor& a) {
    const auto b = static_cast<std::size_t>(a.box);
    const auto list =
        workspace.picks_.subspan(b * topk, static_cast<std::size_t>(workspace.pick_count_[b]));
    return std::any_of(list.begin(), list.end(),
                       [&](const auto& pick) { return pick.anchor == a.anchor; });
  };
  const auto begin = workspace.assigned_.begin();
  const auto end = std::remove_if(begin, begin + static_cast<std::ptrdiff_t>(count),
                                  [&](const AssignedAnchor& a) { return !kept(a); });
  return static_cast<std::size_t>(end - begin);
}

std::size_t TaskAlignedAssigner::Normalise(std::span<AssignedAnchor> assigned, std::size_t boxes,
                                           AssignerWorkspace& workspace) {
  std::fill_n(workspace.top_metric_.begin(), boxes, 0.F);
  std::fill_n(workspace.top_overlap_.begin(), boxes, 0.F);
  for (const AssignedAnchor& a : assigned) {
    const auto b = static_cast<std::size_t>(a.box);
    workspace.top_metric_[b] = std::max(workspace.top_metric_[b], a.metric);
    workspace.top_overlap_[b] = std::max(workspace.top_overlap_[b], a.overlap);
  }
  for (AssignedAnchor& a : assigned) {
    const auto b = static_cast<std::size_t>(a.box);
    a.weight = a.metric * workspace.top_overlap_[b] / (workspace.top_metric_[b] + 1e-9F);
  }
  const auto end = std::remove_if(assigned.begin(), assigned.end(),
                                  [](const AssignedAnchor& a) { return !(a.metric > 0); });
  return static_cast<std::size_t>(end - assigned.begin());
}

}  // namespace headroom
