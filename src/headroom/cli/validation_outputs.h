// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/cli/predictions_json.h"
#include "headroom/config/options.h"
#include "headroom/data/dataset_index.h"
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

// The files of `yolo val`: predictions.json with save_json, pictures and charts with plots.
class ValidationOutputs {
 public:
  // batch: pictures of a val_batch*.jpg, at most; 16 are drawn. What is passed must outlive it but
  // for the names.
  ValidationOutputs(const Options& options, std::filesystem::path folder,
                    const std::vector<std::string>& names, const DatasetIndex& index, int batch,
                    Budget& budget, TrainObserver& messages);

  // Runs the validation, which tells its receiver of each image. Throws WriteError.
  void During(const std::function<void(const ReceiveDetections&)>& validate);
  // After the network has given its memory back.
  void Finish(const DetectionMetrics& metrics, const ConfusionMatrix& confusion);

 private:
  std::filesystem::path folder_;
  const DatasetIndex& index_;
  int batch_;
  bool wants_json_;
  Drawings drawings_;
  std::optional<ValidationPlots> plots_;
  std::int64_t seen_ = 0;
};

}  // namespace headroom
