// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/plot_observer.h"

#include "headroom/core/error.h"
#include "headroom/memory/reservation.h"
#include "headroom/plot/confusion_chart.h"
#include "headroom/plot/labels_chart.h"
#include "headroom/plot/memory_chart.h"
#include "headroom/plot/metric_curves_chart.h"
#include "headroom/plot/results_chart.h"
#include "headroom/train/out_of_memory.h"
#include "headroom/train/run_report.h"
#include "headroom/train/run_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace headroom {
namespace {

constexpr std::int64_t kDrawnBatches = 3;
constexpr std::int64_t kDrawnPictures = 16;
// Detections below this are noise in a picture.
constexpr float kDrawnConfidence = 0.25F;
constexpr Bytes kChart = Bytes::MiB(48);

Xyxy InPixels(const LabelBox& label, const Sample& sample) {
  const Xyxy box = ToXyxy(label.box);
  const auto width = static_cast<float>(sample.width);
  const auto height = static_cast<float>(sample.height);
  return {box.x1 * width, box.y1 * height, box.x2 * width, box.y2 * height};
}

ImageView ViewOf(const Sample& sample) {
  return PackedView(sample.pixels.data(), ImageSize{sample.height, sample.width});
}

PictureGridOptions GridOptions(std::int64_t count, const Sample& sample) {
  return {.count = static_cast<int>(std::min(count, kDrawnPictures)),
          .picture = ImageSize{sample.height, sample.width}};
}

std::vector<std::string> CurveNames(const DetectionMetrics& metrics,
                                    std::span<const std::string> names) {
  std::vector<std::string> list;
  for (const ClassMetrics& one : metrics.classes) {
    const auto id = static_cast<std::size_t>(one.class_id);
    list.push_back(id < names.size() ? names[id] : fmt::format("{}", one.class_id));
  }
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

}  // namespace

// The two grids of the validation batch that is being drawn.
struct PlotObserver::ValidationGrids {
  ValidationGrids(Budget& budget, const PictureGridOptions& options, std::int64_t batch_index)
      : reservation(budget, MemoryTag::kPlots, EstimateMemory(options).Total() * 2),
        batch(batch_index),
        labels(options),
        predictions(options) {}
  Reservation reservation;
  std::int64_t batch;
  PictureGrid labels;
  PictureGrid predictions;
};

MemoryNeed EstimatePlotMemory(int image_size) {
  const PictureGridOptions grid{.count = static_cast<int>(kDrawnPictures),
                                .picture = ImageSize{image_size, image_size}};
  return {MemoryTag::kPlots, std::max(kChart, EstimateMemory(grid).Total() * 2),
          NeedBasis::kAssumed};
}

PlotObserver::PlotObserver(Budget& budget, TrainObserver& messages)
    : budget_(budget), messages_(messages) {}

PlotObserver::~PlotObserver() = default;

void PlotObserver::Draw(const std::string& file, Bytes need, const std::function<void()>& draw) {
  std::string why;
  try {
    const Reservation reservation(budget_, MemoryTag::kPlots, need);
    draw();
    return;
  } catch (const WriteError& error) {
    why = error.what();
  } catch (const std::exception& error) {
    const std::optional<std::string> what = OutOfMemoryText(error);
    if (!what) throw;
    why = BeforeDetails(*what);
  }
  messages_.OnMessage(fmt::format("WARNING {} is not drawn: {}", file, why));
}

std::string PlotObserver::ClassName(std::int32_t id) const {
  const auto index = static_cast<std::size_t>(id);
  return index < run_.names.size() ? run_.names[index] : fmt::format("{}", id);
}

std::string PlotObserver::Caption(const Sample& sample, const DatasetIndex* index) const {
  if (index == nullptr || sample.image_index >= index->size()) return {};
  return std::filesystem::path(index->ImagePath(sample.image_index)).filename().string();
}

// Acts of adaptation are marked in the timeline.
void PlotObserver::OnMessage(const std::string& text) {
  constexpr std::string_view kMark = "Memory: ";
  if (!text.starts_with(kMark) || run_.folder.empty()) return;
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  acts_.emplace_back(seconds, text.substr(kMark.size()));
}

void PlotObserver::OnRunStart(const RunStart& run) {
  run_ = run;
  started_ = std::chrono::steady_clock::now();
  const Options& o = *run.options;
  closing_epoch_ = o.close_mosaic > 0 && o.mosaic > 0 ? o.epochs - o.close_mosaic : -1;
  DrawLabels();
}

void PlotObserver::DrawLabels() {
  LabelStatistics statistics(run_.names.size());
  for (std::size_t i = 0; i < run_.train->size(); ++i) {
    run_.train->labels().ForEach(
        i, [&](std::int32_t id, const Xywh& box, LabelTable::Polygon) { statistics.Add(id, box); });
  }
  Draw("labels.jpg", kChart, [&] {
    WriteJpeg(run_.folder / "labels.jpg",
              LabelsFigure(statistics, {run_.names.begin(), run_.names.end()}));
  });
}

bool PlotObserver::WantsPictures(int epoch, std::int64_t iteration) {
  if (iteration < kDrawnBatches) return true;
  return epoch == closing_epoch_ && drawn_after_closing_ < kDrawnBatches;
}

void PlotObserver::OnBatchPictures(const BatchPictures& pictures) {
  if (pictures.samples.empty()) return;
  if (pictures.iteration >= kDrawnBatches) ++drawn_after_closing_;
  const PictureGridOptions options =
      GridOptions(static_cast<std::int64_t>(pictures.samples.size()), *pictures.samples[0]);
  const std::string file = fmt::format("train_batch{}.jpg", pictures.iteration);
  Draw(file, EstimateMemory(options).Total(), [&] {
    PictureGrid grid(options);
    for (const Sample* sample : pictures.samples) {
      std::vector<DrawnBox> boxes;
      for (const LabelBox& label : sample->labels) {
        boxes.push_back({.box = InPixels(label, *sample),
                         .class_id = label.class_id,
                         .label = ClassName(label.class_id)});
      }
      grid.Add(ViewOf(*sample), ColorOrder::kRgb, Caption(*sample, run_.train), boxes);
    }
    grid.WriteJpeg(run_.folder / file);
  });
}

void PlotObserver::OnValidatedPicture(const ValidatedPicture& picture) {
  if (grids_ && grids_->batch != picture.batch) FinishValidationBatch();
  if (picture.batch >= kDrawnBatches || picture.place >= kDrawnPictures) return;
  const Sample& sample = *picture.sample;
  if (!grids_) {
    try {
      grids_ = std::make_unique<ValidationGrids>(budget_, GridOptions(kDrawnPictures, sample),
                                                 picture.batch);
    } catch (const BudgetError&) {
      return;  // The metrics are what counts; pictures come when there is room.
    }
  }
  std::vector<DrawnBox> labels, found;
  for (const LabelBox& label : sample.labels) {
    labels.push_back({.box = InPixels(label, sample),
                      .class_id = label.class_id,
                      .label = ClassName(label.class_id)});
  }
  for (const Detection& detection : picture.detections) {
    if (detection.confidence < kDrawnConfidence) continue;
    found.push_back(
        {.box = detection.box,
         .class_id = detection.class_id,
         .label = fmt::format("{} {:.2f}", ClassName(detection.class_id), detection.confidence)});
  }
  grids_->labels.Add(ViewOf(sample), ColorOrder::kRgb, {}, labels);
  grids_->predictions.Add(ViewOf(sample), ColorOrder::kRgb, {}, found);
}

void PlotObserver::FinishValidationBatch() {
  const std::unique_ptr<ValidationGrids> grids = std::move(grids_);
  const std::string name = fmt::format("val_batch{}", grids->batch);
  Draw(name, Bytes(), [&] {
    grids->labels.WriteJpeg(run_.folder / (name + "_labels.jpg"));
    grids->predictions.WriteJpeg(run_.folder / (name + "_pred.jpg"));
  });
}

void PlotObserver::OnValidationEnd(const ValidationEnd& end) {
  if (grids_) FinishValidationBatch();
  if (!end.metrics.classes.empty()) {
    for (const CurveKind kind :
         {CurveKind::kPrecisionRecall, CurveKind::kPrecision, CurveKind::kRecall, CurveKind::kF1}) {
      const std::string file(FileName(kind));
      const MetricCurvesData data = CurvesOf(kind, end.metrics, run_.names);
      Draw(file, kChart, [&] { WritePng(run_.folder / file, MetricCurvesFigure(data)); });
    }
  }
  for (const auto& [scale, file] :
       {std::pair{ConfusionScale::kCounts, "confusion_matrix.png"},
        std::pair{ConfusionScale::kShares, "confusion_matrix_normalized.png"}}) {
    const ConfusionData data = ConfusionOf(end.confusion, run_.names, scale);
    Draw(file, kChart, [&] { WritePng(run_.folder / file, ConfusionFigure(data)); });
  }
}

void PlotObserver::OnRunEnd(const std::string& memory_summary) {
  Draw("results.png", kChart, [&] {
    const NumberTable table = ReadNumberTable(run_.folder / "results.csv");
    const ResultsData data = ResultsFromTable(table.columns, table.rows);
    WritePng(run_.folder / "results.png", ResultsFigure(data));
  });
  Draw("memory.png", kChart, [&] {
    MemoryTimeline timeline = TimelineOf(ReadNumberTable(run_.folder / "memory.csv"));
    for (const auto& [second, text] : acts_) timeline.adaptations.push_back({second, text});
    if (!timeline.seconds.empty()) WritePng(run_.folder / "memory.png", MemoryFigure(timeline));
  });
  Draw("report.html", kChart, [&] { WriteRunReport(run_, memory_summary, acts_); });
}

}  // namespace headroom
