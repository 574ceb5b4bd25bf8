// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"
#include "headroom/cli/console.h"
#include "headroom/cli/json_progress.h"
#include "headroom/cli/last_run.h"
#include "headroom/cli/process_setup.h"
#include "headroom/cli/run_arguments.h"
#include "headroom/config/option_table.h"
#include "headroom/config/run_folder.h"
#include "headroom/core/log.h"
#include "headroom/core/strings.h"
#include "headroom/interop/ultralytics_checkpoint.h"
#include "headroom/monitor/last_state.h"
#include "headroom/train/checkpoint.h"
#include "headroom/train/observer_list.h"
#include "headroom/train/plot_observer.h"
#include "headroom/train/reference_resume.h"
#include "headroom/train/tensorboard_observer.h"
#include "headroom/train/trainer.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace headroom {
namespace {

// The newest checkpoint that an interrupted run has left, as `resume=True` without a path means.
// Empty where there is none.
std::string NewestLastCheckpoint(const std::filesystem::path& runs_dir) {
  namespace fs = std::filesystem;
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code error;
  for (fs::recursive_directory_iterator it(runs_dir, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().filename() == "last.pt" && it->is_regular_file(error))
      found.emplace_back(it->last_write_time(error), it->path());
  }
  std::sort(found.rbegin(), found.rend());
  for (const auto& [time, path] : found) {
    const Result<CheckpointContents> file = ReadCheckpoint(path);
    if (file && CanBeResumed(*file)) return path.string();
  }
  return {};
}

// The checkpoint that a word means: itself, or a run's folder or its weights folder.
std::string CheckpointIn(const std::string& word) {
  namespace fs = std::filesystem;
  const fs::path path(word);
  if (!fs::is_directory(path)) return word;
  return (path.filename() == "weights" ? path / "last.pt" : path / "weights" / "last.pt").string();
}

// What resume= and model= name. Throws ConfigError where they name neither a checkpoint nor a run.
std::string CheckpointToResume(const ParsedCommand& command) {
  const OptionValue* resume = command.Find("resume");
  if (resume->is_string()) return CheckpointIn(resume->AsString());
  const OptionValue* model = command.Find("model");
  const std::string word = model == nullptr ? "" : model->ToText();
  if (word.empty() || word.ends_with(".yaml") || word.ends_with(".yml")) {
    const std::string newest = NewestLastCheckpoint(ReadSettings().runs_dir);
    if (!newest.empty()) return newest;
    throw ConfigError(
        "resume=True: no run in the runs folder has a last.pt that can be continued; name one: "
        "model=runs/detect/train/weights/last.pt");
  }
  const std::string path = CheckpointIn(word);
  if (path.ends_with(".pt")) return path;
  throw ConfigError(fmt::format(
      "resume=True: model={} is neither a checkpoint (.pt) nor the folder of a run; name one: "
      "model=runs/detect/train/weights/last.pt",
      word));
}

// Where a run writes that goes on from a checkpoint of elsewhere may be said anew.
bool NamesFolder(const std::string& option) {
  return option == "project" || option == "name" || option == "exist_ok";
}

// Options of an interrupted run, with the words that may change. `moves`: to a folder of its own.
OptionSet ResumedOptions(const ParsedCommand& command, const std::string& path, bool moves) {
  Result<CheckpointContents> file = ReadCheckpoint(path);
  if (!file) throw ConfigError(fmt::format("resume: {}", file.error()));
  OptionSet set = OptionsOf(*file);
  if (moves) set.Set("exist_ok", OptionValue(false));
  std::vector<std::string> ignored;
  for (const Override& word : command.overrides) {
    const OptionInfo* option = FindOption(word.key);
    if (word.key == "model" || word.key == "resume") continue;
    if (option->on_resume || option->owner == OptionOwner::kOurs ||
        (moves && NamesFolder(word.key))) {
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

// Killed before its first epoch had ended, a run of ours begins again, in its folder and with its
// options.
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
  std::filesystem::path continued = {};  // The folder of the run that goes on; empty for a new one.
  std::unique_ptr<FileLock> lock = {};   // Of that folder.
};

TrainRequest ReadRequest(const ParsedCommand& command) {
  namespace fs = std::filesystem;
  const OptionValue* resume = command.Find("resume");
  const bool resumes =
      resume != nullptr && (resume->is_string() || (resume->is_bool() && resume->AsBool()));
  if (!resumes) return {OptionSet(command.overrides)};
  const std::string path = CheckpointToResume(command);
  const std::optional<fs::path> run = RunOfCheckpoint(path);
  if (!run) return {ResumedOptions(command, path, true)};
  // Before the checkpoint is looked for: a run that ends meanwhile may write its first one.
  auto lock = LockRunFolder(*run, "start a new run without resume=True");
  AwaitEndOfRunIn(*run);
  if (!fs::exists(path) && fs::exists(*run / kLastStateName))
    return {BegunAgain(command, *run), *run, std::move(lock)};
  return {ResumedOptions(command, path, false), *run, std::move(lock)};
}

// YOLO_VERBOSE=false is the reference's switch for whole machines.
ConsoleDetail WantedDetail(const Options& options) {
  const char* everywhere = std::getenv("YOLO_VERBOSE");
  const bool quiet = everywhere != nullptr && ToLower(everywhere) == "false";
  return options.verbose && !quiet ? ConsoleDetail::kBatches : ConsoleDetail::kEpochs;
}

// What the run before left, told to the user: how it ended, and what is to be planned within.
std::optional<Bytes> TellLastRun(const Options& options, const Settings& settings,
                                 const std::filesystem::path& continued, TrainObserver& console) {
  const auto report = ExplainLastRun(options, settings, continued);
  if (report) console.OnMessage(report->Text());
  if (continued.empty()) return std::nullopt;
  const auto cut = FindCutBudget(options, continued);
  if (cut && !report) {
    console.OnMessage(fmt::format(
        "The budget stays within the {} that an earlier kill for memory has left; memory= sets "
        "another",
        ToString(*cut)));
  }
  return cut;
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
  const auto cut = TellLastRun(options, settings, request.continued, console);
  InstallInterruptHandler();
  PlotObserver plots(budget, console);
  ObserverList observers;
  observers.Add(console);
  if (options.plots) observers.Add(plots);
  TensorboardObserver tensorboard;
  if (options.tensorboard) observers.Add(tensorboard);
  Trainer trainer(std::move(options), settings, budget, observers, Interrupted);
  if (cut) trainer.CutBudget(*cut);
  if (request.lock) trainer.Hold(std::move(request.lock));
  const TrainOutcome outcome = trainer.Run();
  if (outcome.interrupted) return ExitCode::kInterrupted;
  return outcome.cannot_write ? ExitCode::kCannotWrite : ExitCode::kDone;
}

}  // namespace headroom
