// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/dataset_index.h"
#include "headroom/memory/memory_need.h"
#include "headroom/memory/reservation.h"
#include "headroom/metrics/average_precision.h"
#include "headroom/metrics/confusion_matrix.h"
#include "headroom/plot/confusion_chart.h"
#include "headroom/plot/metric_curves_chart.h"
#include "headroom/train/drawings.h"
#include "headroom/train/observer.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace headroom {

// What a validation draws: val_batch*_labels.jpg and _pred.jpg of its first three batches while it
// runs, then the metric curves and both confusion matrices.
class ValidationPlots {
 public:
  // `drawings` must outlive it; `index`, which names the pictures, must while pictures are added.
  ValidationPlots(Drawings& drawings, std::filesystem::path folder, std::vector<std::string> names,
                  const DatasetIndex& index);
  ~ValidationPlots();

  // Pictures in the order of their batches.
  void Add(const ValidatedPicture& picture);
  // Finishes the pictures and copies what the charts show, where there is room for that.
  void Finish(const DetectionMetrics& metrics, const ConfusionMatrix& confusion);
  // Draws the charts into their files.
  void DrawCharts();
  // The same charts, for a page. Valid as long as this lives; none before Finish.
  [[nodiscard]] std::vector<Figure> Figures() const;

 private:
  struct Grids;
  // No room: the batch is left out.
  void StartBatch(const ValidatedPicture& picture);
  void FinishBatch();

  Drawings& drawings_;
  std::filesystem::path folder_;
  std::vector<std::string> names_;
  const DatasetIndex& index_;
  std::int64_t batch_ = -1;
  std::unique_ptr<Grids> grids_;
  Reservation charts_;
  std::vector<MetricCurvesData> curves_;
  std::vector<ConfusionData> matrices_;
};

// What drawing a batch of so many pictures, none larger than `picture`, holds: two grids of them.
[[nodiscard]] MemoryNeed EstimateValidationPicturesMemory(std::int64_t count, ImageSize picture);
// What is kept for its charts, from Finish on.
[[nodiscard]] MemoryNeed EstimateValidationChartsMemory(std::size_t class_count);

}  // namespace headroom
