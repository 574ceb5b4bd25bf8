// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/memory/budget.h"
#include "headroom/memory/memory_need.h"
#include "headroom/plot/label_statistics.h"
#include "headroom/plot/picture_grid.h"
#include "headroom/train/observer.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace headroom {

// What drawing holds at most: two grids of pictures, or a chart.
[[nodiscard]] MemoryNeed EstimatePlotMemory(int image_size);

// Draws a run (plots=True): labels.jpg, train_batch*.jpg, val_batch*_labels.jpg and _pred.jpg, the
// metric curves, both confusion matrices, results.png, memory.png and report.html. Every drawing
// reserves its memory first; where there is none it is left out and said, the run goes on.
class PlotObserver : public TrainObserver {
 public:
  // Both must outlive it. Lines for people go to `messages`.
  PlotObserver(Budget& budget, TrainObserver& messages);
  ~PlotObserver() override;

  void OnMessage(const std::string& text) override;
  void OnRunStart(const RunStart& run) override;
  bool WantsPictures(int epoch, std::int64_t iteration) override;
  void OnBatchPictures(const BatchPictures& pictures) override;
  void OnValidatedPicture(const ValidatedPicture& picture) override;
  void OnValidationEnd(const ValidationEnd& end) override;
  void OnRunEnd(const std::string& memory_summary) override;

 private:
  struct ValidationGrids;
  // Runs `draw` with memory reserved for it; failures of memory and disk are said, not thrown.
  void Draw(const std::string& file, Bytes need, const std::function<void()>& draw);
  void DrawLabels();
  void FinishValidationBatch();
  [[nodiscard]] std::string Caption(const Sample& sample, const DatasetIndex* index) const;
  [[nodiscard]] std::string ClassName(std::int32_t id) const;

  Budget& budget_;
  TrainObserver& messages_;
  RunStart run_;
  int closing_epoch_ = -1;
  int drawn_after_closing_ = 0;
  std::chrono::steady_clock::time_point started_;
  std::unique_ptr<ValidationGrids> grids_;
  std::vector<std::pair<double, std::string>> acts_;  // Adaptations, by seconds of the run.
};

}  // namespace headroom
