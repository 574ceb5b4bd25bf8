// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/network_export.h"

#include "headroom/core/check.h"
#include "headroom/deploy/graph_export.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

namespace headroom {
namespace {

// Boxes of different classes never overlap when they are moved apart by this many pixels a class.
constexpr float kClassOffset = 7680;

using Shape = std::vector<std::int64_t>;

// Writes what follows the head's maps.
class HeadExport {
 public:
  HeadExport(const Model& model, const NetworkForm& form, std::vector<Extent> extents,
             NetworkWriter& writer)
      : model_(model),
        form_(form),
        classes_(model.options.classes),
        extents_(std::move(extents)),
        w_(writer) {
    for (const Extent& extent : extents_) anchors_ += extent.area();
  }

  void Write(const std::vector<TensorName>& boxes, const std::vector<TensorName>& classes) {
    const TensorName distances = Distances(Join(boxes, 4 * model_.reg_max));
    const TensorName scores = w_.Sigmoid(Join(classes, classes_));
    PlaceCells(boxes);
    switch (form_.output) {
      case ExportOutput::kPredictions:
        return WritePredictions(distances, scores);
      case ExportOutput::kSuppressed:
        return WriteSuppressed(Corners(distances), Columns(scores));
      case ExportOutput::kEndToEnd:
        return WriteEndToEnd(Corners(distances), Columns(scores));
    }
  }

 private:
  // Maps of all levels as [N, channels, A], fp32.
  TensorName Join(const std::vector<TensorName>& maps, std::int64_t channels) {
    std::vector<TensorName> flat;
    for (const TensorName& map : maps) flat.push_back(w_.Reshape(map, Shape{0, channels, -1}));
    return w_.Widen(flat.size() == 1 ? flat[0] : w_.Concat(flat, 2));
  }

  // l, t, r, b in cells, [N, 4, A]: the expectation of each side's distribution.
  TensorName Distances(const TensorName& boxes) {
    const std::int64_t bins = model_.reg_max;
    if (bins == 1) return boxes;
    constexpr std::array<int, 4> kBinsLast = {0, 1, 3, 2};
    const TensorName rows = w_.Transpose(w_.Reshape(boxes, Shape{0, 4, bins, -1}), kBinsLast);
    std::vector<float> values(static_cast<std::size_t>(bins));
    std::iota(values.begin(), values.end(), 0.0F);
    const TensorName expected =
        w_.MatMul(w_.Softmax(rows, 4), w_.Constant(TensorData::FromFloats({bins, 1}, values)));
    return w_.Reshape(expected, Shape{0, 4, -1});
  }

  // Sets centres_ and strides_. Constants are as large as what they meet, apart from the images
  // where the format broadcasts these; factors need no copies anywhere.
  void PlaceCells(const std::vector<TensorName>& maps) {
    if (form_.dynamic) {
      std::tie(centres_, strides_) = w_.MeasureCells(maps, model_.strides);
      return;
    }
    const auto count = static_cast<std::size_t>(anchors_);
    std::vector<float> x, y, stride;
    for (std::size_t level = 0; level < extents_.size(); ++level) {
      for (std::int64_t i = 0; i < extents_[level].area(); ++i) {
        x.push_back(static_cast<float>(i % extents_[level].width) + 0.5F);
        y.push_back(static_cast<float>(i / extents_[level].width) + 0.5F);
        stride.push_back(static_cast<float>(model_.strides[level]));
      }
    }
    std::vector<float> centres, strides;
    const std::int64_t copies = w_.BroadcastsImages() ? 1 : form_.images;
    for (std::int64_t copy = 0; copy < copies; ++copy) {
      centres.insert(centres.end(), x.begin(), x.end());
      centres.insert(centres.end(), y.begin(), y.end());
    }
    for (int side = 0; side < 4; ++side)
      strides.insert(strides.end(), stride.begin(), stride.end());
    HEADROOM_CHECK(x.size() == count, "cells and anchors disagree");
    centres_ = w_.Constant(TensorData::FromFloats({copies, 2, anchors_}, centres));
    strides_ = w_.Constant(TensorData::FromFloats({1, 4, anchors_}, strides));
  }

  // Upper left and lower right corner in cells, each [N, 2, A].
  std::pair<TensorName, TensorName> CornersInCells(const TensorName& distances) {
    const std::vector<TensorName> sides = w_.Split(distances, Shape{2, 2}, 1);
    return {w_.Compute(Arithmetic::kSubtract, centres_, sides[0]),
            w_.Compute(Arithmetic::kAdd, centres_, sides[1])};
  }

  void WritePredictions(const TensorName& distances, const TensorName& scores) {
    const auto [first, second] = CornersInCells(distances);
    const TensorName centre = w_.Scale(w_.Compute(Arithmetic::kAdd, first, second), 0.5F);
    const TensorName size = w_.Compute(Arithmetic::kSubtract, second, first);
    const TensorName boxes =
        w_.Compute(Arithmetic::kMultiply, w_.Concat(std::array{centre, size}, 1), strides_);
    w_.Output(w_.Concat(std::array{boxes, scores}, 1), Shape{Images(), 4 + classes_, Anchors()});
  }

  // x1, y1, x2, y2 in pixels, [N, A, 4].
  TensorName Corners(const TensorName& distances) {
    const auto [first, second] = CornersInCells(distances);
    return Columns(
        w_.Compute(Arithmetic::kMultiply, w_.Concat(std::array{first, second}, 1), strides_));
  }
  TensorName Columns(const TensorName& x) {
    constexpr std::array<int, 3> kSwapLast = {0, 2, 1};
    return w_.Transpose(x, kSwapLast);
  }
  TensorName AsColumn(const TensorName& x) { return w_.Reshape(x, Shape{0, -1, 1}); }

  void WriteSuppressed(const TensorName& boxes, const TensorName& scores) {
    const auto [best, best_class] = w_.BestClass(scores);
    const TensorName class_column = AsColumn(w_.ToFloat(best_class));
    const TensorName apart =
        w_.Compute(Arithmetic::kAdd, boxes, w_.Scale(class_column, kClassOffset));
    const TensorName kept = w_.Suppress(apart, best, form_.suppression);
    const auto [values, indices] = w_.TopK(kept, MostRows());
    const TensorName found = AsColumn(w_.IsPositive(values));
    const TensorName rows = w_.Concat(std::array{w_.GatherRows(boxes, indices, 4), AsColumn(values),
                                                 w_.GatherRows(class_column, indices, 1)},
                                      2);
    WriteRows(w_.Compute(Arithmetic::kMultiply, rows, found));
  }

  // The anchors with the best scores, then the best of all their scores: an anchor may appear for
  // several classes.
  void WriteEndToEnd(const TensorName& boxes, const TensorName& scores) {
    const std::int64_t count = MostRows();
    const TensorName anchors = w_.TopK(w_.BestClass(scores).first, count).second;
    const TensorName candidates = w_.GatherRows(scores, anchors, classes_);
    const auto [values, indices] = w_.TopK(w_.Reshape(candidates, Shape{0, -1}), count);
    const auto [anchor, class_id] = w_.DivideIndices(indices, classes_);
    const TensorName chosen = w_.GatherRows(w_.GatherRows(boxes, anchors, 4), anchor, 4);
    WriteRows(w_.Concat(std::array{chosen, AsColumn(values), AsColumn(w_.ToFloat(class_id))}, 2));
  }

  void WriteRows(const TensorName& rows) {
    w_.Output(rows, Shape{Images(), form_.dynamic ? -1 : MostRows(), 6});
  }

  [[nodiscard]] std::int64_t MostRows() const {
    const std::int64_t most = form_.suppression.max_detections;
    return form_.dynamic ? most : std::min(most, anchors_);
  }

  [[nodiscard]] std::int64_t Images() const { return form_.dynamic ? -1 : form_.images; }
  [[nodiscard]] std::int64_t Anchors() const { return form_.dynamic ? -1 : anchors_; }

  const Model& model_;
  const NetworkForm& form_;
  const std::int64_t classes_;
  std::vector<Extent> extents_;  // Of the levels.
  NetworkWriter& w_;
  std::int64_t anchors_ = 0;
  TensorName centres_;  // In cells.
  TensorName strides_;
};

}  // namespace

void ExportNetwork(const Model& model, const NetworkForm& form, NetworkWriter& writer) {
  const bool one_to_one = form.output == ExportOutput::kEndToEnd;
  HEADROOM_CHECK(!one_to_one || model.one_to_one.has_value(), "the model has no one-to-one head");
  const HeadOutputs& head = one_to_one ? *model.one_to_one : model.one_to_many;
  const std::vector<Extent> extents = model.graph->InferExtents(form.extent);
  std::vector<ValueId> wanted;
  std::vector<Extent> level_extents;
  for (const std::size_t output : head.boxes) {
    wanted.push_back(model.graph->outputs()[output]);
    level_extents.push_back(extents[static_cast<std::size_t>(wanted.back())]);
  }
  for (const std::size_t output : head.classes) wanted.push_back(model.graph->outputs()[output]);
  GraphExport graph(*model.graph, *model.parameters, extents, writer);
  graph.Write(wanted);
  std::vector<TensorName> boxes, classes;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    (i < head.boxes.size() ? boxes : classes).push_back(graph.Name(wanted[i]));
  HeadExport(model, form, std::move(level_extents), writer).Write(boxes, classes);
}

}  // namespace headroom
