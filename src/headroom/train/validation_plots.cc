// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/validation_plots.h"

#include "headroom/device/out_of_memory.h"
#include "headroom/plot/class_names.h"
#include "headroom/plot/picture_grid.h"
#include "headroom/train/drawn_sample.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace headroom {
namespace {

constexpr std::array kCurveKinds = {CurveKind::kPrecisionRecall, CurveKind::kPrecision,
                                    CurveKind::kRecall, CurveKind::kF1};

std::vector<std::string> CurveNames(const DetectionMetrics& metrics,
                                    std::span<const std::string> names) {
  std::vector<std::string> list;
  for (const ClassMetrics& one : metrics.classes)
    list.push_back(ClassLabel(names, static_cast<std::size_t>(one.class_id)));
  return list;
}

MetricCurvesData CurvesOf(CurveKind kind, const DetectionMetrics& metrics,
                          std::span<const std::string> names) {
  MetricCurvesData data{.kind = kind, .names = CurveNames(metrics, names), .points = kCurvePoints};
  const MetricCurves& curves = metrics.curves;
  data.values = kind == CurveKind::kPrecisionRecall ? curves.precision_of_recall
                : kind == CurveKind::kPrecision     ? curves.precision
                : kind == CurveKind::kRecall        ? curves.recall
                                                    : curves.f1;
  for (const ClassMetrics& one : metrics.classes) data.average_precision.push_back(one.map50());
  data.best_confidence = metrics.best_confidence;
  return data;
}

ConfusionData ConfusionOf(const ConfusionMatrix& matrix, std::span<const std::string> names,
                          ConfusionScale scale) {
  ConfusionData data{.names = {names.begin(), names.end()},
                     .class_count = static_cast<std::size_t>(matrix.class_count()),
                     .scale = scale};
  if (scale == ConfusionScale::kShares) {
    data.values = matrix.NormalizedByTruth();
    return data;
  }
  for (int predicted = 0; predicted < matrix.side(); ++predicted) {
    for (int truth = 0; truth < matrix.side(); ++truth)
      data.values.push_back(static_cast<float>(matrix.at(predicted, truth)));
  }
  return data;
}

Bytes TwoGrids(const PictureGridOptions& options) { return EstimateMemory(options).Total() * 2; }

std::string NameOf(std::int64_t batch) { return fmt::format("val_batch{}", batch); }

}  // namespace

// The two grids of the validation batch that is being drawn.
struct ValidationPlots::Grids {
  Grids(Budget& budget, const PictureGridOptions& options)
      : reservation(budget, MemoryTag::kPlots, TwoGrids(options)),
        labels(options),
        predictions(options) {}
  Reservation reservation;
  PictureGrid labels;
  PictureGrid predictions;
};

ValidationPlots::ValidationPlots(Drawings& drawings, std::filesystem::path folder,
                                 std::vector<std::string> names, const DatasetIndex& index)
    : drawings_(drawings), folder_(std::move(folder)), names_(std::move(names)), index_(index) {}

ValidationPlots::~ValidationPlots() = default;

void ValidationPlots::StartBatch(const ValidatedPicture& picture) {
  batch_ = picture.batch;
  // Of half the side where there is no room for the whole.
  for (const int share : {1, 2}) {
    PictureGridOptions options = GridFor(picture.of, *picture.sample);
    options.max_side /= share;
    if (!drawings_.HasRoom(TwoGrids(options))) continue;
    try {
      grids_ = std::make_unique<Grids>(drawings_.budget(), options);
      return;
    } catch (const std::exception& failure) {
      if (!OutOfMemoryText(failure)) throw;
    }
  }
  drawings_.LeaveOut(NameOf(batch_));
}

void ValidationPlots::Add(const ValidatedPicture& picture) {
  if (picture.batch >= kDrawnBatches || picture.place >= kDrawnPictures) return;
  if (picture.batch != batch_) {
    FinishBatch();
    StartBatch(picture);
  }
  if (!grids_) return;
  AddToGrid(*picture.sample, index_, LabelBoxes(*picture.sample, names_), grids_->labels);
  AddToGrid(*picture.sample, index_, DetectionBoxes(picture.detections, names_),
            grids_->predictions);
}

void ValidationPlots::FinishBatch() {
  const std::unique_ptr<Grids> grids = std::move(grids_);
  if (!grids) return;
  const std::string name = NameOf(batch_);
  const bool drawn = drawings_.TryNow(name, Bytes(), [&] {
    grids->labels.WriteJpeg(folder_ / (name + "_labels.jpg"));
    grids->predictions.WriteJpeg(folder_ / (name + "_pred.jpg"));
  });
  if (!drawn) drawings_.LeaveOut(name);
}

void ValidationPlots::Finish(const DetectionMetrics& metrics, const ConfusionMatrix& confusion) {
  FinishBatch();
  curves_.clear();
  matrices_.clear();
  const Bytes need = EstimateValidationChartsMemory(names_.size()).Total();
  if (drawings_.HasRoom(need))
    charts_ = Reservation::Try(drawings_.budget(), MemoryTag::kPlots, need);
  if (charts_.empty()) {
    drawings_.LeaveOut("curves and confusion matrices");
    return;
  }
  if (!metrics.classes.empty()) {
    for (const CurveKind kind : kCurveKinds) curves_.push_back(CurvesOf(kind, metrics, names_));
  }
  matrices_ = {ConfusionOf(confusion, names_, ConfusionScale::kCounts),
               ConfusionOf(confusion, names_, ConfusionScale::kShares)};
}

void ValidationPlots::DrawCharts() {
  const auto draw = [this](const std::string& file, const Figure& figure) {
    drawings_.DrawOrKeep(file, EstimateMemory(figure).Total(),
                         [path = folder_ / file, figure] { WritePng(path, figure); });
  };
  for (const MetricCurvesData& data : curves_)
    draw(std::string(FileName(data.kind)), MetricCurvesFigure(data));
  for (const ConfusionData& data : matrices_) {
    draw(data.scale == ConfusionScale::kCounts ? "confusion_matrix.png"
                                               : "confusion_matrix_normalized.png",
         ConfusionFigure(data));
  }
}

std::vector<Figure> ValidationPlots::Figures() const {
  std::vector<Figure> figures;
  for (const MetricCurvesData& data : curves_) figures.push_back(MetricCurvesFigure(data));
  for (const ConfusionData& data : matrices_) figures.push_back(ConfusionFigure(data));
  return figures;
}

MemoryNeed EstimateValidationPicturesMemory(std::int64_t count, ImageSize picture) {
  return {MemoryTag::kPlots, TwoGrids(GridFor(count, picture)), NeedBasis::kAssumed};
}

MemoryNeed EstimateValidationChartsMemory(std::size_t class_count) {
  const std::size_t cells = (class_count + 1) * (class_count + 1);
  const MemoryNeed need = EstimateMetricsMemory(static_cast<int>(class_count));
  return {MemoryTag::kPlots, need.Total() + Bytes::Of(2 * cells, sizeof(float)), NeedBasis::kExact};
}

}  // namespace headroom
