// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"
#include "headroom/cli/console.h"
#include "headroom/cli/process_setup.h"
#include "headroom/config/help_text.h"
#include "headroom/config/run_folder.h"
#include "headroom/core/file.h"
#include "headroom/detect/map_boxes.h"
#include "headroom/metrics/coco_json.h"
#include "headroom/train/checkpoint.h"
#include "headroom/train/run_setup.h"
#include "headroom/train/validator.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <filesystem>

namespace headroom {
namespace {

namespace fs = std::filesystem;

// Of a checkpoint only imgsz, data, task and single_cls are remembered.
void RememberFromCheckpoint(const ParsedCommand& command, OptionSet* set) {
  const std::string model = set->Get("model").ToText();
  if (!model.ends_with(".pt") || !fs::exists(model)) return;
  Result<CheckpointContents> file = ReadCheckpoint(model);
  if (!file || file->train_args == nullptr) return;
  const OptionSet trained = OptionsOf(*file);
  for (const char* name : {"imgsz", "data", "single_cls"}) {
    if (command.Find(name) == nullptr) set->Set(name, trained.Get(name));
  }
}

ValidatorOptions MakeValidatorOptions(const Options& options, const Model& model,
                                      bool typed_batch) {
  const int batch = options.batch >= 1 && typed_batch ? static_cast<int>(options.batch) : 16;
  return {.image_size = options.image_width,
          .batch = batch,
          .at_once = std::min(batch, 16),
          .workers = std::max(1, std::min(options.workers, at::get_num_threads())),
          .confidence = static_cast<float>(options.conf.value_or(0.001)),
          .iou = static_cast<float>(options.iou),
          .max_detections = options.max_det,
          .agnostic = options.single_cls || options.agnostic_nms,
          .end_to_end = options.nms.has_value() && !*options.nms && model.one_to_one.has_value(),
          .classes = options.classes,
          .matrix_confidence = static_cast<float>(options.conf.value_or(0.25))};
}

}  // namespace

ExitCode RunVal(const ParsedCommand& command) {
  OptionSet set(command.overrides);
  set.Set("mode", OptionValue("val"));
  RememberFromCheckpoint(command, &set);
  Options options = Options::From(std::move(set), command.overrides);
  if (options.data.empty()) throw ConfigError(MissingDataText("val"));
  if (options.model.empty())
    throw ConfigError(
        "model= is missing: name the weights, for example model=runs/detect/train/weights/best.pt");
  Budget& budget = SetUpProcess(options);
  Console console;
  InstallInterruptHandler();
  const Settings settings = ReadSettings();
  const at::Device device = ChooseDevice(options.device);
  const DatasetConfig data = ReadDatasetYaml(options.data, fs::absolute(settings.datasets_dir));
  const std::vector<std::string> data_names = ClassNames(data, options.single_cls);
  LoadedModel loaded = LoadForValidation(options, static_cast<int>(data_names.size()), settings,
                                         device, Element::kFloat32);
  const std::vector<std::string>& names = loaded.names.empty() ? data_names : loaded.names;
  console.OnMessage(fmt::format("{} summary (fused): {} parameters, {:.1f} GFLOPs",
                                loaded.model.config.Name(), loaded.model.ParameterCount(),
                                loaded.model.Gflops({options.image_height, options.image_width})));
  const DatasetIndex index = BuildIndex(data, options.split, options, &budget, {}, {});
  for (const std::string& message : index.messages()) console.OnMessage("WARNING " + message);

  const fs::path folder = ChooseRunFolder({.runs_dir = settings.runs_dir,
                                           .mode = "val",
                                           .project = options.project,
                                           .name = options.name,
                                           .exist_ok = options.exist_ok});
  CreateRunFolder(folder, false);
  Executor executor(*loaded.model.graph, *loaded.model.parameters, device);
  Validator validator(loaded.model, executor, index,
                      MakeValidatorOptions(options, loaded.model, command.Find("batch") != nullptr),
                      &budget);
  const auto progress = [&](std::int64_t done, std::int64_t all) {
    console.OnValidationProgress(done, all);
  };
  ValidationResult result;
  if (options.save_json) {
    WriteFileAtomic(folder / "predictions.json", [&](FileWriter& writer) {
      CocoJsonWriter json(writer);
      std::vector<Detection> mapped;
      result = validator.Run(
          nullptr,
          [&](const ImageDetections& image) {
            mapped.assign(image.detections.begin(), image.detections.end());
            const LetterboxGeometry& g = image.sample->geometry;
            MapToSource(mapped,
                        {g.source_width, g.source_height, g.scale_x, g.scale_y, g.pad_x, g.pad_y});
            json.AddImage(index.ImagePath(image.image), mapped);
          },
          progress, Interrupted);
      json.Finish();
    });
  } else {
    result = validator.Run(nullptr, {}, progress, Interrupted);
  }
  console.OnMessage(ValidationHeader());
  console.OnMessage(ValidationSummaryRow(result.metrics));
  if (options.verbose && names.size() > 1) {
    for (const std::string& row : ValidationClassRows(result.metrics, names))
      console.OnMessage(row);
  }
  console.OnMessage(ValidationSpeedLine(result.speed));
  console.OnMessage(fmt::format("Results saved to {}", folder.string()));
  return ExitCode::kDone;
}

}  // namespace headroom
