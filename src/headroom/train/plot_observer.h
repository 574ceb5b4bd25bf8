// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/memory/budget.h"
#include "headroom/memory/memory_need.h"
#include "headroom/plot/label_statistics.h"
#include "headroom/train/drawings.h"
#include "headroom/train/drawn_sample.h"
#include "headroom/train/observer.h"
#include "headroom/train/run_history.h"
#include "headroom/train/validation_plots.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace headroom {

// What drawing holds at most in each phase: labels.jpg before the first step, a grid of pictures
// beside a step; two beside the last validation, or what its charts show.
struct PlotNeeds {
  MemoryNeed setup;
  MemoryNeed train_step;
  MemoryNeed end;
};
struct DrawnBatch {
  std::int64_t count = 0;
  ImageSize picture;  // None is larger.
};
[[nodiscard]] PlotNeeds EstimatePlotMemory(const DrawnBatch& train, const DrawnBatch& val,
                                           std::size_t class_count);

// Draws a run (plots=True): labels.jpg, three train_batch*.jpg and three more after mosaic closes,
// val_batch*_labels.jpg and _pred.jpg, and at the end the metric curves, both confusion matrices,
// results.png, memory.png and report.html. Under pressure pictures come later or smaller; the run
// is never held up for them.
class PlotObserver : public TrainObserver {
 public:
  // Both must outlive it. Lines for people go to `messages`.
  PlotObserver(Budget& budget, TrainObserver& messages);
  ~PlotObserver() override;

  void OnAdaptation(const std::string& text) override;
  void OnRunStart(const RunStart& run) override;
  bool WantsPictures(int epoch, std::int64_t iteration) override;
  void OnBatchPictures(const BatchPictures& pictures) override;
  void OnEpochStart(int epoch, std::span<const std::string> losses) override;
  void OnBatch(const BatchEvent& event) override;
  void OnValidatedPicture(const ValidatedPicture& picture) override;
  void OnValidationEnd(const ValidationEnd& end) override;
  void OnRunEnd(const std::string& memory_summary) override;

 private:
  // Pictures of training batches: the first ones, or those after mosaic has closed.
  struct Series {
    int epoch = -1;  // What finds no room is put off to later batches of this epoch.
    std::int64_t tried = 0;
    std::int64_t drawn = 0;
    [[nodiscard]] std::int64_t missing() const { return std::min(tried, kDrawnBatches) - drawn; }
  };

  void DrawLabels();
  // False when there is no room for it.
  bool DrawBatch(const BatchPictures& pictures);
  void DrawResults();
  void DrawMemory();

  Drawings drawings_;
  RunStart run_;
  std::vector<std::string> names_;
  Series first_;
  Series closing_;
  RunHistory history_;
  std::optional<LabelStatistics> labels_;
  std::optional<ValidationPlots> validation_;
};

}  // namespace headroom
