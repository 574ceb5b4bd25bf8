// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"
#include "headroom/cli/console.h"
#include "headroom/cli/process_setup.h"
#include "headroom/config/help_text.h"
#include "headroom/config/option_table.h"
#include "headroom/core/log.h"
#include "headroom/core/strings.h"
#include "headroom/interop/ultralytics_checkpoint.h"
#include "headroom/train/checkpoint.h"
#include "headroom/train/trainer.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace headroom {
namespace {

// What may change on resume beside options of ours (recipe-8.4, 5).
const std::set<std::string>& ChangeableOnResume() {
  static const std::set<std::string> names = {
      "imgsz",    "batch", "device", "close_mosaic", "save_period", "workers", "cache",
      "patience", "time",  "freeze", "val",          "plots",       "data"};
  return names;
}

// Options of an interrupted run, with the words that may change.
OptionSet ResumedOptions(const ParsedCommand& command, const std::string& path) {
  Result<CheckpointContents> file = ReadCheckpoint(path);
  if (!file) throw ConfigError(fmt::format("resume: {}", file.error()));
  OptionSet set = OptionsOf(*file);
  std::vector<std::string> ignored;
  for (const Override& word : command.overrides) {
    const OptionInfo* option = FindOption(word.key);
    if (word.key == "model" || word.key == "resume") continue;
    if (ChangeableOnResume().contains(word.key) || option->owner == OptionOwner::kOurs) {
      set.Set(word.key, word.value);
    } else {
      ignored.push_back(word.key);
    }
  }
  if (!ignored.empty())
    LogWarning(fmt::format("resume keeps the run's own {}; what was typed is ignored",
                           Join(ignored, ", ")));
  set.Set("resume", OptionValue(path));
  set.Set("model", OptionValue(path));
  return set;
}

OptionSet TrainOptions(const ParsedCommand& command) {
  const OptionValue* resume = command.Find("resume");
  const bool resumes =
      resume != nullptr && (resume->is_string() || (resume->is_bool() && resume->AsBool()));
  if (!resumes) return OptionSet(command.overrides);
  const OptionValue* model = command.Find("model");
  const std::string path = resume->is_string() ? resume->AsString()
                           : model != nullptr  ? model->ToText()
                                               : "";
  if (path.empty())
    throw ConfigError("resume=True needs the checkpoint: model=runs/detect/train/weights/last.pt");
  return ResumedOptions(command, path);
}

}  // namespace

ExitCode RunTrain(const ParsedCommand& command) {
  Options options = Options::From(TrainOptions(command), command.overrides);
  options.set.Set("mode", OptionValue("train"));
  if (options.data.empty()) throw ConfigError(MissingDataText("train"));
  if (options.model.empty()) {
    LogWarning("model= is missing; yolo26n.pt is used");
    options.model = "yolo26n.pt";
    options.set.Set("model", OptionValue(options.model));
  }
  Budget& budget = SetUpProcess(options);
  Console console;
  console.OnMessage(fmt::format("Headroom {} on the CPU, {} threads; memory budget {} ({})",
                                kVersion, at::get_num_threads(), ToString(budget.limit()),
                                budget.origin()));
  InstallInterruptHandler();
  Trainer trainer(std::move(options), ReadSettings(), budget, console, Interrupted);
  const TrainOutcome outcome = trainer.Run();
  const Ledger::Snapshot ledger = budget.ledger().Read();
  console.OnMessage(fmt::format("Peak memory under the budget: {} of {}",
                                ToString(ledger.total().peak), ToString(budget.limit())));
  if (outcome.interrupted) return ExitCode::kInterrupted;
  return outcome.cannot_write ? ExitCode::kCannotWrite : ExitCode::kDone;
}

}  // namespace headroom
