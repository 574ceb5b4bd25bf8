// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/checkpoint_options.h"
#include "headroom/cli/commands.h"
#include "headroom/cli/console.h"
#include "headroom/cli/open_detector.h"
#include "headroom/cli/process_setup.h"
#include "headroom/cli/validation_outputs.h"
#include "headroom/config/help_text.h"
#include "headroom/core/log.h"
#include "headroom/deploy/class_choice.h"
#include "headroom/evaluate/validation.h"
#include "headroom/evaluate/validation_settings.h"
#include "headroom/monitor/runtime_reservation.h"
#include "headroom/nn/model_summary.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace headroom {
namespace {

namespace fs = std::filesystem;

constexpr int kMostAtOnce = 16;

DetectorOptions MakeDetectorOptions(const Options& options, const DatasetIndex& index) {
  DetectorOptions result = DetectorOptionsForValidation(options, index);
  result.classes = {options.classes.begin(), options.classes.end()};
  return result;
}

ValidationOptions MakeValidationOptions(const Options& options, const DatasetIndex& index) {
  ValidationOptions result = ValidationOptionsOf(options, index);
  result.batch = ValidationBatch(options);
  result.at_once = std::min(result.batch, kMostAtOnce);
  result.workers = std::max(1, std::min(options.workers, at::get_num_threads()));
  result.rect = !options.IsTyped("rect") || options.rect;
  result.single_class = options.single_cls;
  return result;
}

void WarnOfFixedBatch(const Options& options, const DetectorFacts& facts) {
  if (!facts.fixed_size || !options.IsTyped("batch") || ValidationBatch(options) == facts.batch)
    return;
  LogWarning(fmt::format("batch={} is not used: the model was exported for {} at a time",
                         ValidationBatch(options), facts.batch));
}

void Report(Console& console, const Validation& result, const std::vector<std::string>& names,
            bool verbose, const std::vector<std::string>& saved) {
  console.OnMessage(ValidationHeader());
  console.OnMessage(ValidationSummaryRow(result.metrics));
  if (verbose && names.size() > 1) {
    for (const std::string& row : ValidationClassRows(result.metrics, names))
      console.OnMessage(row);
  }
  console.OnMessage(ValidationSpeedLine(result.speed));
  for (const std::string& line : saved) console.OnMessage(line);
}

// Validates and writes its files; the detector's memory is given back before they are drawn.
Validation Measure(OpenedModel& opened, const Options& options, const DatasetIndex& index,
                   ValidationOutputs& outputs, Budget& budget, Console& console) {
  RuntimeReservation runtime(budget);
  ValidationEvents events;
  events.on_progress = [&](std::int64_t done, std::int64_t all) {
    console.OnValidationProgress(done, all);
  };
  events.stop = [&] {
    runtime.Update();
    return Interrupted();
  };
  events.on_out_of_memory = [&](const std::string& what, int) {
    opened.Unload();
    MakeRoomForValidation(what, budget, console);
    return true;
  };
  std::optional<Validation> result;
  outputs.During([&](const ReceiveDetections& receive) {
    events.on_image = receive;
    result =
        Validate(opened.detector(), index, MakeValidationOptions(options, index), events, &budget);
  });
  opened.Unload();
  outputs.Finish(result->metrics, result->confusion);
  return std::move(*result);
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
  static_cast<void>(data.Split(options.split));  // Before a model is read.
  OpenedModel opened(options, settings, &budget, ClassNames(data, options.single_cls));
  if (opened.model() != nullptr) console.OnMessage(SummaryLine(*opened.model(), ModelForm::kFused));
  const DatasetIndex index = BuildIndex(data, options.split, options, &budget);
  for (const std::string& message : index.messages()) console.OnMessage("WARNING " + message);
  const DetectorFacts& facts = opened.MakeDetector(MakeDetectorOptions(options, index)).facts();
  WarnOfUnknownClasses(options.classes, facts.names);
  WarnOfFixedBatch(options, facts);
  ValidationOutputs outputs(options, settings, facts.names, index, budget, console);
  const Validation result = Measure(opened, options, index, outputs, budget, console);
  Report(console, result, facts.names, options.verbose, outputs.Summary());
  return ExitCode::kDone;
}

}  // namespace headroom
