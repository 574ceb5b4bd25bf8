// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"
#include "headroom/cli/last_run.h"
#include "headroom/cli/memory_tables.h"
#include "headroom/cli/process_setup.h"
#include "headroom/cli/run_arguments.h"
#include "headroom/config/help_text.h"
#include "headroom/config/word_merger.h"
#include "headroom/core/log.h"
#include "headroom/core/shell_quote.h"
#include "headroom/core/strings.h"

#include <ATen/Context.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>

namespace headroom {
namespace {

void Print(const std::string& text) { std::puts(text.c_str()); }

// Only warnings of the setup are of interest here.
class Warnings : public TrainObserver {
 public:
  void OnMessage(const std::string& text) override {
    if (text.starts_with("WARNING ")) Print(text);
  }
};

constexpr std::array<std::string_view, 4> kKnobs = {"batch", "imgsz", "workers", "recompute"};

// compare=a,b is no option of a run.
std::vector<std::string> TakeCompare(std::vector<std::string>* words) {
  std::vector<std::string> knobs;
  std::erase_if(*words, [&](const std::string& word) {
    if (!word.starts_with("compare=")) return false;
    for (const std::string_view knob : Split(std::string_view(word).substr(8), ','))
      knobs.emplace_back(Trim(knob));
    return true;
  });
  for (const std::string& knob : knobs) {
    if (std::find(kKnobs.begin(), kKnobs.end(), knob) != kKnobs.end()) continue;
    throw ConfigError(fmt::format(
        "compare={}: knobs are batch, imgsz, workers and recompute, separated by commas", knob));
  }
  return knobs;
}

Options RunOptions(const std::vector<std::string>& words) {
  const ParsedCommand command = ParseRunArguments(words);
  for (const std::string& warning : command.warnings) LogWarning(warning);
  Options options = Options::FromCommand(command);
  for (const std::string& warning : options.warnings) LogWarning(warning);
  if (options.model.empty()) options.model = "yolo26n.pt";
  if (options.data.empty()) {
    throw ConfigError(
        fmt::format("data= is missing: the plan counts the images and boxes of your "
                    "data set.\n{}",
                    UsageOf("memory")));
  }
  return options;
}

ExitCode Plan(std::vector<std::string> words) {
  const std::vector<std::string> knobs = TakeCompare(&words);
  Warnings observer;
  PlannedMachine machine(RunOptions(words), observer);
  Print(PlanText(machine));
  for (const std::string& knob : knobs) Print(CompareText(machine, knob));
  return machine.fits() ? ExitCode::kDone : ExitCode::kMemory;
}

ExitCode Advise(const std::vector<std::string>& words) {
  Warnings observer;
  PlannedMachine machine(AsAdvised(RunOptions(words)), observer);
  Print(AdviceText(machine, words));
  return ExitCode::kDone;
}

// A run of somewhere else may name data that are elsewhere here.
std::unique_ptr<PlannedMachine> PlanForeign(const std::filesystem::path& folder,
                                            const Options& options, TrainObserver& observer) {
  try {
    return std::make_unique<PlannedMachine>(options, observer);
  } catch (const ConfigError& error) {
    if (!std::string_view(error.what()).starts_with("data=")) throw;
    throw ConfigError(fmt::format(
        "{}\nThe plan counts the images and boxes that the run was trained on; where they are now: "
        "yolo memory explain {} data=FILE.yaml",
        error.what(), ShellQuote(folder.string())));
  }
}

// Of a run of the reference: whose it is, and, where its folder does not tell the machine that it
// ran on, how that is told.
std::string ForeignTitle(const std::filesystem::path& folder, const Options& options,
                         const DeviceChoice& device) {
  const std::string title =
      fmt::format("{} is a run of the reference (Ultralytics)", folder.string());
  if (options.ram) return title + ".";
  return fmt::format(
      "{}, on a machine of which it tells nothing. To judge it say what that had; of one of 31 GB "
      "and a GPU of 24 GB: yolo memory explain {}{} ram=31G{}",
      title, ShellQuote(folder.string()),
      device.kind == DeviceChoice::Kind::kAutomatic ? " device=0" : "",
      device.kind == DeviceChoice::Kind::kCpu ? "" : " vram=24G");
}

// What is taken for granted of its device.
std::string AssumedDevice(const PlannedMachine& machine, const DeviceChoice& device) {
  if (machine.gpus() > 0) return {};
  if (device.kind == DeviceChoice::Kind::kCuda) {
    return fmt::format(
        "Assumed: it ran on a GPU (device={}) of unknown memory, with cores for all workers.",
        device.Canonical());
  }
  if (device.kind == DeviceChoice::Kind::kAutomatic)
    return "Assumed: it ran on the CPU (its arguments name no device; device=0 for a GPU).";
  return {};
}

// A run of the reference: its arguments say what it asked for.
ExitCode ExplainForeign(const std::filesystem::path& folder,
                        const std::vector<std::string>& words) {
  std::vector<Override> overrides = ReadRunArguments(folder);
  for (const Override& word : ParseRunArguments(words).overrides)
    Set(word.key, word.value, &overrides);
  Options options = Options::FromOverrides(overrides);
  const DeviceChoice device = options.device_choice;
  const bool on_gpu = device.kind == DeviceChoice::Kind::kCuda;
  if (on_gpu && !options.vram && !at::hasCUDA()) {
    // No device to plan for: here it would train on the CPU. What the reference took stands.
    std::erase_if(overrides, [](const Override& word) { return word.key == "device"; });
    options = Options::FromOverrides(overrides);
  }
  options.resume = false;
  Print(ForeignTitle(folder, options, device));
  Warnings observer;
  const std::unique_ptr<PlannedMachine> machine = PlanForeign(folder, options, observer);
  Print(ReferenceText(*machine, on_gpu ? 1 : machine->gpus(),
                      options.ram ? machine->ram() : Bytes::Max()));
  if (const std::string assumed = AssumedDevice(*machine, device); !assumed.empty()) Print(assumed);
  Print(on_gpu && machine->gpus() == 0 ? "\nThe same training here, on the CPU:"
                                       : "\nThe same training with Headroom:");
  Print(PlanTable(*machine));
  return ExitCode::kDone;
}

// A run's folder, which may be named by its arguments' file.
std::filesystem::path FolderOf(const std::filesystem::path& named) {
  if (named.filename() != "args.yaml" || !std::filesystem::is_regular_file(named)) return named;
  return named.has_parent_path() ? named.parent_path() : ".";
}

ExitCode Explain(std::vector<std::string> words) {
  const bool named = !words.empty() && words[0].find('=') == std::string::npos;
  const std::filesystem::path folder = named ? FolderOf(words[0]) : "";
  if (named) words.erase(words.begin());
  if (!folder.empty() && std::filesystem::exists(folder / "args.yaml") &&
      !std::filesystem::exists(folder / kLastStateName))
    return ExplainForeign(folder, words);
  if (!words.empty()) {
    throw ConfigError(fmt::format("memory explain: {} is left over; the command is\n{}",
                                  Join(words, " "), UsageOf("memory explain")));
  }
  const Result<LastState> last =
      ReadLastState(FindPage(folder, ReadSettings(), "yolo memory explain"));
  if (!last) throw DataError(last.error());
  Print(ExplainDeath(*last, LookAtPresent(last->identity)).Text());
  return ExitCode::kDone;
}

}  // namespace

ExitCode RunMemory(const ParsedCommand& command) {
  std::vector<std::string> words = MergeWords(command.arguments);
  const std::string what = words.empty() ? "" : words.front();
  if (!words.empty()) words.erase(words.begin());
  if (what == "plan") return Plan(std::move(words));
  if (what == "advise") return Advise(words);
  if (what == "explain") return Explain(std::move(words));
  throw ConfigError(fmt::format("yolo memory needs one of these words: plan, advise, explain\n{}",
                                UsageOf("memory")));
}

}  // namespace headroom
