// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/checkpoint_options.h"
#include "headroom/cli/commands.h"
#include "headroom/cli/console.h"
#include "headroom/cli/process_setup.h"
#include "headroom/cli/val_exported.h"
#include "headroom/cli/validation_outputs.h"
#include "headroom/config/help_text.h"
#include "headroom/deploy/class_choice.h"
#include "headroom/deploy/exported_detector.h"
#include "headroom/monitor/runtime_reservation.h"
#include "headroom/nn/model_summary.h"
#include "headroom/train/run_setup.h"
#include "headroom/train/validator.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <filesystem>

namespace headroom {
namespace {

namespace fs = std::filesystem;

ValidatorOptions MakeValidatorOptions(const Options& options, const Model& model) {
  const int batch = ValidationBatch(options);
  return {.image_size = options.image_width,
          .batch = batch,
          .at_once = std::min(batch, 16),
          .workers = std::max(1, std::min(options.workers, at::get_num_threads())),
          .rect = !options.IsTyped("rect") || options.rect,
          .confidence = static_cast<float>(options.conf.value_or(0.001)),
          .iou = static_cast<float>(options.iou),
          .max_detections = options.max_det,
          .agnostic = options.single_cls || options.agnostic_nms,
          .single_class = options.single_cls,
          .end_to_end = options.nms.has_value() && !*options.nms && model.one_to_one.has_value(),
          .classes = options.classes,
          .matrix_confidence = static_cast<float>(options.conf.value_or(0.25))};
}

void Report(Console& console, const DetectionMetrics& metrics, const ValidationSpeed& speed,
            const std::vector<std::string>& names, bool verbose,
            const std::vector<std::string>& saved) {
  console.OnMessage(ValidationHeader());
  console.OnMessage(ValidationSummaryRow(metrics));
  if (verbose && names.size() > 1) {
    for (const std::string& row : ValidationClassRows(metrics, names)) console.OnMessage(row);
  }
  console.OnMessage(ValidationSpeedLine(speed));
  for (const std::string& line : saved) console.OnMessage(line);
}

// A model of an exported format, whose head is in the file.
ExitCode RunExportedVal(const Options& options, const DatasetConfig& data, const Settings& settings,
                        Budget& budget, Console& console) {
  const DatasetIndex index = BuildIndex(data, options.split, options, &budget);
  for (const std::string& message : index.messages()) console.OnMessage("WARNING " + message);
  const ExportedValidation result =
      ValidateExported(options, index, settings, budget, console, Interrupted);
  Report(console, result.metrics, result.speed, result.names, options.verbose, result.saved);
  return ExitCode::kDone;
}

}  // namespace

ExitCode RunVal(const ParsedCommand& command) {
  const Options options = OptionsForModel(command, "val");
  if (options.data.empty()) throw ConfigError(MissingDataText("val"));
  WarnOfPrecision(options);
  Budget& budget = SetUpProcess(options);
  Console console;
  InstallInterruptHandler();
  const Settings settings = ReadSettings();
  const DatasetConfig data = ReadDatasetYaml(options.data, fs::absolute(settings.datasets_dir));
  const at::Device device = ChooseDevice(options.device);
  if (IsExportedModel(options.model))
    return RunExportedVal(options, data, settings, budget, console);
  const std::vector<std::string> data_names = ClassNames(data, options.single_cls);
  LoadedModel loaded = LoadForValidation(options, settings, device, Element::kFloat32);
  loaded.file.reset();  // Its weights are in the model now.
  RuntimeReservation runtime(budget);
  const std::vector<std::string>& names = loaded.names.empty() ? data_names : loaded.names;
  WarnOfUnknownClasses(options.classes, names);
  console.OnMessage(SummaryLine(loaded.model, ModelForm::kFused));
  const DatasetIndex index = BuildIndex(data, options.split, options, &budget);
  for (const std::string& message : index.messages()) console.OnMessage("WARNING " + message);

  Executor executor(*loaded.model.graph, *loaded.model.parameters, device);
  Validator validator(loaded.model, executor, index, MakeValidatorOptions(options, loaded.model),
                      &budget);
  validator.on_out_of_memory = [&](const std::string& what, int) {
    executor.Unload();
    MakeRoomForValidation(what, budget, console);
    return true;
  };
  const auto progress = [&](std::int64_t done, std::int64_t all) {
    console.OnValidationProgress(done, all);
  };
  ValidationOutputs outputs(options, settings, names, index, budget, console);
  ValidationResult result;
  outputs.During([&](const ReceiveDetections& receive) {
    const auto on_image = [&](const ImageDetections& image) {
      receive(image.image, image.detections, *image.sample);
    };
    result = validator.Run(nullptr, on_image, progress, [&] {
      runtime.Update();
      return Interrupted();
    });
  });
  executor.Unload();
  outputs.Finish(result.metrics, validator.confusion());
  Report(console, result.metrics, result.speed, names, options.verbose, outputs.Summary());
  return ExitCode::kDone;
}

}  // namespace headroom
