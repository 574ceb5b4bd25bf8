// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"
#include "headroom/cli/console.h"
#include "headroom/cli/json_progress.h"
#include "headroom/cli/last_run.h"
#include "headroom/cli/process_setup.h"
#include "headroom/cli/run_arguments.h"
#include "headroom/config/option_table.h"
#include "headroom/core/log.h"
#include "headroom/core/strings.h"
#include "headroom/interop/ultralytics_checkpoint.h"
#include "headroom/monitor/last_state.h"
#include "headroom/train/checkpoint.h"
#include "headroom/train/observer_list.h"
#include "headroom/train/plot_observer.h"
#include "headroom/train/tensorboard_observer.h"
#include "headroom/train/trainer.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

namespace headroom {
namespace {

// The newest checkpoint that an interrupted run has left, as `resume=True` without a path means.
// Empty where there is none.
std::string NewestLastCheckpoint(const std::filesystem::path& runs_dir) {
  namespace fs = std::filesystem;
  fs::path newest;
  fs::file_time_type newest_time;
  std::error_code error;
  for (fs::recursive_directory_iterator it(runs_dir, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().filename() != "last.pt" || !it->is_regular_file(error)) continue;
    const fs::file_time_type time = it->last_write_time(error);
    if (newest.empty() || time > newest_time) {
      newest = it->path();
      newest_time = time;
    }
  }
  return newest.string();
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
    if (option->on_resume || option->owner == OptionOwner::kOurs) {
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

// The run folder of a checkpoint that was never written, where it is one of ours: killed before
// its first epoch had ended.
std::optional<std::filesystem::path> FolderWithoutCheckpoint(const std::string& path) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::absolute(path).parent_path().parent_path();
  if (fs::exists(path) || !fs::exists(folder / "args.yaml") || !fs::exists(folder / kLastStateName))
    return std::nullopt;
  return folder;
}

// Such a run begins again, in its folder and with its options.
OptionSet BegunAgain(const ParsedCommand& command, const std::filesystem::path& folder) {
  OptionSet set(ReadRunArguments(folder));
  for (const Override& word : command.overrides) {
    if (word.key != "model" && word.key != "resume") set.Set(word.key, word.value);
  }
  set.Set("resume", OptionValue(false));
  set.Set("project", OptionValue(folder.parent_path().string()));
  set.Set("name", OptionValue(folder.filename().string()));
  set.Set("exist_ok", OptionValue(true));
  LogWarning(fmt::format("{} has no checkpoint yet: the run begins again with its options",
                         folder.string()));
  return set;
}

struct TrainRequest {
  OptionSet options;
  std::filesystem::path continued;  // The folder of the run that goes on; empty for a new one.
};

TrainRequest ReadRequest(const ParsedCommand& command) {
  const OptionValue* resume = command.Find("resume");
  const bool resumes =
      resume != nullptr && (resume->is_string() || (resume->is_bool() && resume->AsBool()));
  if (!resumes) return {OptionSet(command.overrides), {}};
  const OptionValue* model = command.Find("model");
  std::string path;
  if (resume->is_string()) {
    path = resume->AsString();
  } else if (model != nullptr && model->ToText().ends_with(".pt")) {
    path = model->ToText();
  } else {
    path = NewestLastCheckpoint(ReadSettings().runs_dir);
  }
  if (path.empty()) {
    throw ConfigError(
        "resume=True: no run in the runs folder has a last.pt; name one: "
        "model=runs/detect/train/weights/last.pt");
  }
  if (const auto folder = FolderWithoutCheckpoint(path))
    return {BegunAgain(command, *folder), *folder};
  return {ResumedOptions(command, path),
          std::filesystem::absolute(path).parent_path().parent_path()};
}

// YOLO_VERBOSE=false is the reference's switch for whole machines.
ConsoleDetail WantedDetail(const Options& options) {
  const char* everywhere = std::getenv("YOLO_VERBOSE");
  const bool quiet = everywhere != nullptr && ToLower(everywhere) == "false";
  return options.verbose && !quiet ? ConsoleDetail::kBatches : ConsoleDetail::kEpochs;
}

}  // namespace

ExitCode RunTrain(const ParsedCommand& command) {
  TrainRequest request = ReadRequest(command);
  Options options = Options::From(std::move(request.options), command.overrides);
  options.set.Set("mode", OptionValue("train"));
  options.mode = "train";
  for (const std::string& warning : options.warnings) LogWarning(warning);
  Budget& budget = SetUpProcess(options);
  const bool json = options.progress == "json";
  std::unique_ptr<TrainObserver> shown;
  if (json) {
    shown = std::make_unique<JsonProgress>();
  } else {
    shown = std::make_unique<Console>(WantedDetail(options));
  }
  TrainObserver& console = *shown;
  console.OnMessage(fmt::format("Headroom {} on the CPU, {} threads; memory budget {} ({})",
                                kVersion, at::get_num_threads(), ToString(budget.limit()),
                                budget.origin()));
  const Settings settings = ReadSettings();
  const auto report = ExplainLastRun(options, settings, request.continued);
  if (report) console.OnMessage(report->Text());
  InstallInterruptHandler();
  PlotObserver plots(budget, console);
  ObserverList observers;
  observers.Add(console);
  if (options.plots) observers.Add(plots);
  TensorboardObserver tensorboard;
  if (options.tensorboard) observers.Add(tensorboard);
  Trainer trainer(std::move(options), settings, budget, observers, Interrupted);
  const bool continues = !request.continued.empty();
  if (continues && report && report->fate == RunFate::kOomKilled && report->budget > Bytes())
    trainer.CutBudget(report->budget);
  const TrainOutcome outcome = trainer.Run();
  if (outcome.interrupted) return ExitCode::kInterrupted;
  return outcome.cannot_write ? ExitCode::kCannotWrite : ExitCode::kDone;
}

}  // namespace headroom
