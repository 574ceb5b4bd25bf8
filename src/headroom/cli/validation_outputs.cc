// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/validation_outputs.h"

#include <span>
#include <utility>

namespace headroom {

ValidationOutputs::ValidationOutputs(const Options& options, std::filesystem::path folder,
                                     const std::vector<std::string>& names,
                                     const DatasetIndex& index, int batch, Budget& budget,
                                     TrainObserver& messages)
    : folder_(std::move(folder)),
      index_(index),
      batch_(batch),
      wants_json_(options.save_json),
      drawings_(budget, messages) {
  if (options.plots) plots_.emplace(drawings_, folder_, names, index);
}

void ValidationOutputs::During(const std::function<void(const ReceiveDetections&)>& validate) {
  const auto path = wants_json_ ? folder_ / "predictions.json" : std::filesystem::path();
  WritePredictionsJson(path, index_, [&](const ReceiveDetections& json) {
    validate([&](std::uint32_t image, std::span<const Detection> found, const Sample& sample) {
      if (plots_) plots_->Add({seen_ / batch_, seen_ % batch_, &sample, found});
      ++seen_;
      if (json) json(image, found, sample);
    });
  });
}

void ValidationOutputs::Finish(const DetectionMetrics& metrics, const ConfusionMatrix& confusion) {
  if (!plots_) return;
  drawings_.StartEnd();
  plots_->Finish(metrics, confusion);
  plots_->DrawCharts();
  drawings_.SayLeftOut();
}

}  // namespace headroom
