// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/open_detector.h"

#include "headroom/deploy/exported_detector.h"
#include "headroom/evaluate/model_detector.h"
#include "headroom/evaluate/validation_settings.h"

#include <ATen/Parallel.h>

#include <utility>

namespace headroom {

OpenedModel::OpenedModel(const Options& options, const Settings& settings, Budget* budget,
                         const std::vector<std::string>& names)
    : file_(options.model), one_to_one_(WantsOneToOne(options)), budget_(budget) {
  // Exported models run on the CPU; a device that is not there is a mistake all the same.
  const at::Device device = ChooseDevice(options.device);
  if (IsExportedModel(file_)) {
    network_ = OpenExportedNetwork(file_, at::get_num_threads(), budget);
    return;
  }
  loaded_ = std::make_unique<LoadedModel>(
      LoadForValidation(options, settings, device, Element::kFloat32));
  loaded_->file.reset();  // Its weights are in the model now.
  if (loaded_->names.empty()) loaded_->names = names;
  const Model& model = loaded_->model;
  executor_ = std::make_unique<Executor>(*model.graph, *model.parameters, device);
}

Detector& OpenedModel::MakeDetector(const DetectorOptions& options) {
  if (loaded_) {
    detector_ = std::make_unique<ModelDetector>(
        loaded_->model, *executor_, NamesOfAllClasses(*loaded_),
        ModelDetectorOptions{.one_to_one = one_to_one_}, options, budget_);
  } else {
    detector_ = std::make_unique<ExportedDetector>(std::move(network_.facts), file_,
                                                   std::move(network_.runner), options, budget_);
  }
  return *detector_;
}

}  // namespace headroom
