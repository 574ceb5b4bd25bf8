// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/help_text.h"

#include "headroom/config/option_table.h"
#include "headroom/config/yaml_text.h"

#include <fmt/format.h>

namespace headroom {
namespace {

constexpr std::size_t kMeaningColumn = 36;
constexpr std::size_t kWidth = 100;

// "  name=default     meaning (unit; allowed)", wrapped under itself.
std::string OptionLines(const OptionInfo& option) {
  std::string line = fmt::format("  {}={}", option.name, option.initial);
  line.append(line.size() < kMeaningColumn ? kMeaningColumn - line.size() : 2, ' ');
  std::string meaning(option.help);
  if (!option.unit.empty()) meaning += fmt::format(" [{}]", option.unit);
  if (!option.choices.empty()) meaning += fmt::format(": {}", AllowedText(option));
  if (!option.unused.empty()) meaning += fmt::format(" (no effect: {})", option.unused);
  std::string text;
  while (line.size() + meaning.size() > kWidth) {
    const auto room = line.size() < kWidth ? kWidth - line.size() : 0;
    const auto space = meaning.rfind(' ', room);
    if (space == std::string::npos || space == 0) break;
    text += line + meaning.substr(0, space) + "\n";
    meaning.erase(0, space + 1);
    line.assign(kMeaningColumn, ' ');
  }
  return text + line + meaning + "\n";
}

}  // namespace

std::string HelpText() {
  return R"(Headroom trains YOLO detectors and is never killed for memory.

  yolo detect train data=data.yaml model=yolo11n.yaml epochs=100 imgsz=640
  yolo detect val model=runs/detect/train/weights/best.pt data=data.yaml
  yolo detect predict model=best.pt source=images/
  yolo detect export model=best.pt format=onnx
  yolo detect train model=runs/detect/train/weights/last.pt resume=True    go on with a run

  yolo memory plan data=data.yaml model=yolo11n.yaml batch=64    what a run needs, before it starts
  yolo monitor                                                   watch a run
  yolo data check data=data.yaml                                 look at a data set

  yolo help train     every option with its default and meaning
  yolo cfg            the defaults as a file for cfg=
  yolo settings       where runs, weights and data sets lie
  yolo checks         this machine and what a run would use
  yolo version

Options are name=value in any order; a switch alone is True (`yolo train cos_lr data=...`).
Exit codes: 0 done, 2 usage, 3 data, 4 memory, 5 internal, 6 cannot write, 130 interrupted.
)";
}

std::string OptionsHelp() {
  constexpr OptionGroup kGroups[] = {
      OptionGroup::kRun,  OptionGroup::kTrain, OptionGroup::kMemory,  OptionGroup::kAugment,
      OptionGroup::kLoss, OptionGroup::kVal,   OptionGroup::kPredict, OptionGroup::kExport};
  std::string text = "yolo detect train data=data.yaml model=yolo11n.yaml name=value ...\n";
  std::string unused = "\nAccepted, without effect\n";
  for (const OptionGroup group : kGroups) {
    text += fmt::format("\n{}\n", GroupTitle(group));
    for (const OptionInfo& option : OptionTable()) {
      if (option.group != group) continue;
      (option.owner == OptionOwner::kOtherTask ? unused : text) += OptionLines(option);
    }
  }
  return text + unused;
}

std::string DefaultsYaml() {
  std::string text;
  for (const OptionInfo& option : OptionTable()) {
    std::string entry = ToYamlEntry(option.name, option.Default());
    entry.pop_back();
    text += fmt::format(
        "{}  # {}\n", entry,
        option.unused.empty() ? option.help : "no effect: " + std::string(option.unused));
  }
  return text;
}

std::string SettingsText(const Settings& settings) {
  std::string text = settings.file.empty()
                         ? "No settings file of Ultralytics was found; these are the defaults.\n"
                         : fmt::format("Read from {} (never written).\n", settings.file.string());
  for (const std::string& warning : settings.warnings) text += fmt::format("{}\n", warning);
  return text + fmt::format("runs_dir: {}\nweights_dir: {}\ndatasets_dir: {}\n",
                            settings.runs_dir.string(), settings.weights_dir.string(),
                            settings.datasets_dir.string());
}

std::string MissingDataText(const std::string& mode) {
  const char* rest = mode == "train" ? "model=yolo11n.yaml epochs=100 imgsz=640"
                                     : "model=runs/detect/train/weights/best.pt";
  return fmt::format(R"(data= is missing: name your data set, none is fetched. Type for example
  yolo detect {} data=data.yaml {}
where data.yaml says where the images are and what the classes are called:
  train: images/train
  val: images/val
  names: [cat, dog]
and labels/train/NAME.txt has the boxes of images/train/NAME.jpg, one a line: class x y width height,
the centre and the size as shares of the image.)",
                     mode, rest);
}

std::string MissingSourceText() {
  return R"(source= is missing: say what to look at. Type for example
  yolo detect predict model=best.pt source=images/
source takes an image, a video, a folder, a pattern ('images/*.jpg') or a .txt list of paths.)";
}

}  // namespace headroom
