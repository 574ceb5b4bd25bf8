// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/plot_observer.h"

#include "headroom/plot/class_names.h"
#include "headroom/plot/labels_chart.h"
#include "headroom/plot/memory_chart.h"
#include "headroom/plot/picture_grid.h"
#include "headroom/plot/results_chart.h"
#include "headroom/train/drawn_sample.h"
#include "headroom/train/run_report.h"
#include "headroom/train/run_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace headroom {
namespace {

// labels.jpg: a canvas of 1600 x 1600 pixels, or of 1600 x 2380 for many classes, and its JPEG.
constexpr Bytes kLabelsChart = Bytes::MiB(48);

std::string FileOf(const BatchPictures& pictures) {
  return fmt::format("train_batch{}.jpg", pictures.iteration);
}

}  // namespace

PlotNeeds EstimatePlotMemory(const DrawnBatch& train, const DrawnBatch& val,
                             std::size_t class_count) {
  const Bytes charts = EstimateValidationChartsMemory(class_count).Total();
  const PictureGridOptions grid = GridFor(train.count, train.picture);
  const auto need = [](Bytes bytes) {
    return MemoryNeed(MemoryTag::kPlots, bytes, NeedBasis::kAssumed);
  };
  return {.setup = need(kLabelsChart),
          .train_step = need(EstimateMemory(grid).Total()),
          .end = need(
              std::max(charts, EstimateValidationPicturesMemory(val.count, val.picture).Total()))};
}

PlotObserver::PlotObserver(Budget& budget, TrainObserver& messages) : drawings_(budget, messages) {}

PlotObserver::~PlotObserver() = default;

void PlotObserver::OnAdaptation(const std::string& text) { history_.Add(text); }

void PlotObserver::OnRunStart(const RunStart& run) {
  run_ = run;
  names_.assign(run.names.begin(), run.names.end());
  const Options& o = *run.options;
  if (o.close_mosaic > 0 && o.mosaic > 0) closing_.epoch = o.epochs - o.close_mosaic;
  validation_.emplace(drawings_, run.folder, names_, *run.val);
  DrawLabels();
  history_.Start(run.folder / "adaptations.log", o.resume);
  history_.Enter("set-up");
}

void PlotObserver::DrawLabels() {
  labels_.emplace(names_.size());
  for (std::size_t i = 0; i < run_.train->size(); ++i) {
    run_.train->labels().ForEach(
        i, [&](std::int32_t id, const Xywh& box, LabelTable::Polygon) { labels_->Add(id, box); });
  }
  const Figure figure = LabelsFigure(*labels_, names_);
  drawings_.DrawOrKeep("labels.jpg", EstimateMemory(figure).Total(),
                       [path = run_.folder / "labels.jpg", figure] { WriteJpeg(path, figure); });
}

void PlotObserver::OnEpochStart(int epoch, std::span<const std::string> /*losses*/) {
  history_.Enter("training");
  // What found no room in its epoch is no picture of it any more.
  for (Series* series : {&first_, &closing_}) {
    if (series->missing() == 0 || epoch == series->epoch) continue;
    drawings_.LeaveOut(fmt::format("{} train_batch", series->missing()));
    series->drawn += series->missing();
  }
}

void PlotObserver::OnBatch(const BatchEvent& event) {
  if (event.batch + 1 == event.batches) history_.Enter("validation");
}

bool PlotObserver::WantsPictures(int epoch, std::int64_t iteration) {
  if (iteration < kDrawnBatches) first_.epoch = epoch;
  if (epoch == first_.epoch && (iteration < kDrawnBatches || first_.missing() > 0)) return true;
  return epoch == closing_.epoch && (closing_.tried < kDrawnBatches || closing_.missing() > 0);
}

void PlotObserver::OnBatchPictures(const BatchPictures& pictures) {
  if (pictures.samples.empty()) return;
  const bool first = pictures.iteration < kDrawnBatches ||
                     (pictures.epoch == first_.epoch && first_.missing() > 0);
  Series& series = first ? first_ : closing_;
  ++series.tried;
  if (DrawBatch(pictures)) ++series.drawn;
}

bool PlotObserver::DrawBatch(const BatchPictures& pictures) {
  PictureGridOptions options =
      GridFor(static_cast<std::int64_t>(pictures.samples.size()), *pictures.samples[0]);
  const std::string file = FileOf(pictures);
  // Of half the side where there is no room for the whole.
  if (!drawings_.HasRoom(EstimateMemory(options).Total())) options.max_side /= 2;
  return drawings_.TryNow(file, EstimateMemory(options).Total(), [&] {
    PictureGrid grid(options);
    for (const Sample* sample : pictures.samples)
      AddToGrid(*sample, *run_.train, LabelBoxes(*sample, names_), grid);
    grid.WriteJpeg(run_.folder / file);
  });
}

void PlotObserver::OnValidatedPicture(const ValidatedPicture& picture) {
  history_.Enter("validation");
  validation_->Add(picture);
}

void PlotObserver::OnValidationEnd(const ValidationEnd& end) {
  validation_->Finish(end.metrics, end.confusion);
}

void PlotObserver::DrawResults() {
  const NumberTable table = ReadNumberTable(run_.folder / "results.csv");
  const ResultsData data = ResultsFromTable(table.columns, table.rows);
  const Figure figure = ResultsFigure(data);
  drawings_.DrawOrKeep("results.png", EstimateMemory(figure).Total(),
                       [&] { WritePng(run_.folder / "results.png", figure); });
}

void PlotObserver::DrawMemory() {
  const MemoryTimeline timeline = TimelineOf(ReadNumberTable(run_.folder / "memory.csv"), history_);
  if (timeline.seconds.empty()) return;
  const Figure figure = MemoryFigure(timeline);
  drawings_.DrawOrKeep("memory.png", EstimateMemory(figure).Total(),
                       [&] { WritePng(run_.folder / "memory.png", figure); });
}

void PlotObserver::OnRunEnd(const std::string& memory_summary) {
  drawings_.StartEnd();
  DrawResults();
  DrawMemory();
  validation_->DrawCharts();
  std::vector<Figure> charts = validation_->Figures();
  charts.push_back(LabelsFigure(*labels_, names_));
  drawings_.DrawOrKeep("report.html", EstimateRunReportMemory(run_).Total(),
                       [&] { WriteRunReport(run_, history_, memory_summary, charts); });
  drawings_.SayLeftOut();
}

}  // namespace headroom
