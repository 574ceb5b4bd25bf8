// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/data/dataset_index.h"
#include "headroom/data/letterbox_source.h"
#include "headroom/graph/executor.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/memory_need.h"
#include "headroom/metrics/average_precision.h"
#include "headroom/metrics/confusion_matrix.h"
#include "headroom/metrics/validation_table.h"
#include "headroom/nn/model.h"
#include "headroom/train/head_loss.h"

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace headroom {

struct ValidatorOptions {
  int image_size = 640;
  int batch =
      16;  // Nominal: decides the shapes of rectangular batches and what loss items average over.
  std::int64_t at_once = 16;  // Images that run at once; changes no figure.
  int workers = 1;
  int prefetch = 0;  // Images made ahead; 0: PrefetchFor(workers).
  bool rect = true;
  float confidence = 0.001F;
  float iou = 0.7F;
  int max_detections = 300;
  bool agnostic = false;
  bool single_class = false;  // Whatever class is predicted counts as class 0 (single_cls).
  bool end_to_end = false;    // The one-to-one head, without suppression.
  std::vector<int> classes;
  Element activation = Element::kFloat32;
  float matrix_confidence = 0.25F;
};

struct ValidationResult {
  DetectionMetrics metrics;
  ValidationSpeed speed;
  std::optional<LossItems> losses;  // Mean over nominal batches.
  std::int64_t images = 0;
};

// What the validator tells while it runs.
struct ImageDetections {
  std::uint32_t image = 0;
  std::span<const Detection> detections;  // Network pixels.
  const Sample* sample = nullptr;
};

// Runs a model over a split and measures it: letterboxed rectangular batches, non-maximum
// suppression, matching. What grows with the images is the match records alone. The loader exists
// only while this runs.
class Validator {
 public:
  Validator(Model& model, Executor& executor, const DatasetIndex& index,
            const ValidatorOptions& options, Budget* budget);

  // What a run holds beside its loader and its activations: suppression and the match records.
  [[nodiscard]] static MemoryNeed EstimateMemory(const DatasetIndex& index, int classes,
                                                 int max_detections);

  // `loss` null: no losses. on_image may be empty. stop is asked between batches; true throws
  // Error(kInterrupted).
  [[nodiscard]] ValidationResult Run(
      HeadLoss* loss, const std::function<void(const ImageDetections&)>& on_image,
      const std::function<void(std::int64_t done, std::int64_t all)>& on_progress,
      const std::function<bool()>& stop);
  // As BatchStep::on_out_of_memory: after it has freed something the images are run again, half as
  // many at once and with half the workers from the second failure on.
  std::function<bool(const std::string& what, int failures)> on_out_of_memory;
  [[nodiscard]] const ConfusionMatrix& confusion() const { return confusion_; }

 private:
  struct Pass;
  [[nodiscard]] std::unique_ptr<LetterboxSource> MakeSource() const;
  [[nodiscard]] std::unique_ptr<Pass> MakePass();
  // A smaller one, from image `first` on.
  void RemakeLoader(Pass& pass, std::int64_t first);
  // True when what failed shall be tried again.
  [[nodiscard]] bool MayTryAgain(const std::exception& failure, int failures, bool smallest);
  void LoadLess();
  void RunNominalBatch(Pass& pass, std::int64_t first, std::int64_t end);
  // A piece is a transaction: RunPiece writes nothing but scratch and may be repeated, Commit
  // counts what it found.
  [[nodiscard]] HeadSums RunPiece(Pass& pass, std::int64_t first, std::int64_t count);
  void Detect(Pass& pass, std::int64_t count);
  void Commit(Pass& pass, const HeadSums& sums, std::int64_t first, std::int64_t count);
  void LoadProgram(std::int64_t images, const Extent& extent, bool all_heads);

  Model& model_;
  Executor& executor_;
  const DatasetIndex& index_;
  ValidatorOptions options_;
  Budget* budget_;
  ConfusionMatrix confusion_;
};

}  // namespace headroom
