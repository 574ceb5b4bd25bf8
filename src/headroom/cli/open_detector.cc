// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/open_detector.h"

#include "headroom/deploy/exported_detector.h"
#include "headroom/deploy/model_detector.h"

#include <ATen/Parallel.h>

namespace headroom {

OpenedDetector OpenDetector(const Options& options, const Settings& settings,
                            const DetectorOptions& detector_options, Budget* budget) {
  OpenedDetector opened;
  if (IsExportedModel(options.model)) {
    opened.detector =
        OpenExportedModel(options.model, at::get_num_threads(), detector_options, budget);
    return opened;
  }
  const at::Device device = ChooseDevice(options.device);
  opened.model = std::make_unique<LoadedModel>(
      LoadForValidation(options, settings, device, Element::kFloat32));
  opened.model->file.reset();  // Its weights are in the model now.
  const bool one_to_one = options.nms.has_value() && !*options.nms;
  opened.detector =
      std::make_unique<ModelDetector>(opened.model->model, NamesOfAllClasses(*opened.model), device,
                                      one_to_one, detector_options, budget);
  return opened;
}

}  // namespace headroom
