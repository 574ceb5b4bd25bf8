// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/open_detector.h"

#include "headroom/deploy/exported_detector.h"
#include "headroom/deploy/model_detector.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

namespace headroom {

OpenedDetector OpenDetector(const Options& options, const Settings& settings,
                            const DetectorOptions& detector_options) {
  OpenedDetector opened;
  if (IsExportedModel(options.model)) {
    opened.detector = OpenExportedModel(options.model, at::get_num_threads(), detector_options);
    return opened;
  }
  const at::Device device = ChooseDevice(options.device);
  opened.model = std::make_unique<LoadedModel>(
      LoadForValidation(options, 80, settings, device, Element::kFloat32));
  std::vector<std::string> names = opened.model->names;
  for (std::int64_t i = static_cast<std::int64_t>(names.size());
       i < opened.model->model.options.classes; ++i)
    names.push_back(fmt::format("class_{}", i));
  const bool one_to_one = options.nms.has_value() && !*options.nms;
  opened.detector = std::make_unique<ModelDetector>(opened.model->model, std::move(names), device,
                                                    one_to_one, detector_options);
  return opened;
}

}  // namespace headroom
