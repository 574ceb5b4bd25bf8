// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/cli/predictions_json.h"
#include "headroom/config/options.h"
#include "headroom/config/run_folder.h"
#include "headroom/config/settings.h"
#include "headroom/data/dataset_index.h"
#include "headroom/deploy/validation_labels.h"
#include "headroom/memory/budget.h"
#include "headroom/train/drawings.h"
#include "headroom/train/observer.h"
#include "headroom/train/validation_plots.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace headroom {

// A run's folder, made at once; one in which nothing was written is removed again.
class ValidationFolder {
 public:
  // Throws as ClaimRunFolder does.
  explicit ValidationFolder(const RunFolderRequest& request);
  ~ValidationFolder();
  ValidationFolder(const ValidationFolder&) = delete;
  ValidationFolder& operator=(const ValidationFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] bool HoldsFiles() const;

 private:
  bool was_there_;
  std::filesystem::path path_;
};

// The files of `yolo val`: predictions.json with save_json, labels/*.txt with save_txt, pictures
// and charts with plots.
class ValidationOutputs {
 public:
  // Makes the run's folder. What is passed must outlive it but for the names and the settings.
  // Throws WriteError and BudgetError.
  ValidationOutputs(const Options& options, const Settings& settings,
                    const std::vector<std::string>& names, const DatasetIndex& index,
                    Budget& budget, TrainObserver& messages);

  // Runs the validation, which tells its receiver of each image. Throws WriteError.
  void During(const std::function<void(const ReceiveDetections&)>& validate);
  // After the network has given its memory back.
  void Finish(const DetectionMetrics& metrics, const ConfusionMatrix& confusion);
  // "Results saved to runs/detect/val" and what else is to be said of the files, a line each;
  // nothing when none was written.
  [[nodiscard]] std::vector<std::string> Summary() const;

 private:
  ValidationFolder folder_;  // First: the others write into it as long as they live.
  const DatasetIndex& index_;
  const int batch_;
  const bool wants_json_;
  std::optional<ValidationLabels> labels_;
  Drawings drawings_;
  std::optional<ValidationPlots> plots_;
  std::int64_t seen_ = 0;
};

// Pictures of a nominal batch: batch= where it was typed, else 16. A val_batch*.jpg shows one.
[[nodiscard]] int ValidationBatch(const Options& options);

// After a lack of memory: gives free blocks back and says that the images are run again.
void MakeRoomForValidation(const std::string& what, Budget& budget, TrainObserver& messages);

}  // namespace headroom
