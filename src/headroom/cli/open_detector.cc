// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/open_detector.h"

#include "headroom/deploy/exported_detector.h"
#include "headroom/evaluate/model_detector.h"
#include "headroom/evaluate/validation_settings.h"

#include <ATen/Parallel.h>

namespace headroom {

OpenedDetector OpenDetector(const Options& options, const Settings& settings,
                            const DetectorOptions& detector_options, Budget* budget,
                            const std::vector<std::string>& names) {
  OpenedDetector opened;
  const at::Device device = ChooseDevice(options.device);
  if (IsExportedModel(options.model)) {  // It runs on the CPU; a device that is not there is a
                                         // mistake all the same.
    opened.detector =
        OpenExportedModel(options.model, at::get_num_threads(), detector_options, budget);
    return opened;
  }
  opened.model = std::make_unique<LoadedModel>(
      LoadForValidation(options, settings, device, Element::kFloat32));
  opened.model->file.reset();  // Its weights are in the model now.
  if (opened.model->names.empty()) opened.model->names = names;
  Model& model = opened.model->model;
  opened.executor = std::make_unique<Executor>(*model.graph, *model.parameters, device);
  opened.detector = std::make_unique<ModelDetector>(
      model, *opened.executor, NamesOfAllClasses(*opened.model),
      ModelDetectorOptions{.one_to_one = WantsOneToOne(options)}, detector_options, budget);
  return opened;
}

}  // namespace headroom
