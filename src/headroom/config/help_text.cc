// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/help_text.h"

#include "headroom/config/option_table.h"
#include "headroom/config/yaml_text.h"
#include "headroom/core/error.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

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

struct CommandHelp {
  std::string_view name;                     // "memory plan"
  std::string_view usage;                    // A line for each form.
  std::string_view text;                     // What it does, and examples; after an empty line.
  std::span<const OptionGroup> groups = {};  // Whose options it reads,
  std::span<const std::string_view> others = {};  // and single ones of other groups.
};

using G = OptionGroup;
using Names = std::string_view;

constexpr G kTrainGroups[] = {G::kRun, G::kTrain, G::kMemory, G::kAugment, G::kLoss, G::kVal};
constexpr G kValGroups[] = {G::kRun, G::kVal};
constexpr G kPredictGroups[] = {G::kRun, G::kPredict};
constexpr G kExportGroups[] = {G::kRun, G::kExport};
constexpr G kMemoryGroups[] = {G::kMemory};
constexpr Names kTrainOthers[] = {"classes"};
constexpr Names kValOthers[] = {"imgsz",        "batch",      "workers", "rect",
                                "single_cls",   "fraction",   "plots",   "classes",
                                "agnostic_nms", "pretrained", "memory"};
constexpr Names kPredictOthers[] = {"imgsz", "batch",   "save", "conf",
                                    "iou",   "max_det", "nms",  "memory"};
constexpr Names kExportOthers[] = {"imgsz", "batch", "quantize", "nms",
                                   "conf",  "iou",   "max_det",  "memory"};

constexpr CommandHelp kCommands[] = {
    {.name = "train",
     .usage = "yolo detect train data=data.yaml model=yolo11n.yaml [name=value ...]",
     .text = R"(
Trains a detector. model= is a model YAML (from random weights) or weights to start from; the run
lies in runs/detect/train, its weights in runs/detect/train/weights. Ctrl-C ends it cleanly.

  yolo detect train data=data.yaml model=yolo11n.pt epochs=100 imgsz=640 batch=16
  yolo detect train data=data.yaml model=yolo11n.yaml memory=6G single_cls=True
  yolo detect train model=runs/detect/train/weights/last.pt resume=True
)",
     .groups = kTrainGroups,
     .others = kTrainOthers},
    {.name = "val",
     .usage = "yolo detect val model=best.pt [data=data.yaml] [name=value ...]",
     .text = R"(
Measures a model (.pt, .onnx, .torchscript) on the val images: precision, recall, mAP. Without
data= and imgsz= those that the model was trained with are used.

  yolo detect val model=runs/detect/train/weights/best.pt data=data.yaml
  yolo detect val model=best.onnx data=data.yaml split=test save_json=True
)",
     .groups = kValGroups,
     .others = kValOthers},
    {.name = "predict",
     .usage = "yolo detect predict model=best.pt source=images/ [name=value ...]",
     .text = R"(
Finds objects in an image, a video, a folder, a pattern ('images/*.jpg') or the paths in a .txt
list, and writes pictures with boxes to runs/detect/predict.

  yolo detect predict model=best.pt source=images/ conf=0.4
  yolo detect predict model=best.onnx source=video.mp4 save=False save_txt=True save_conf=True
)",
     .groups = kPredictGroups,
     .others = kPredictOthers},
    {.name = "export",
     .usage = "yolo detect export model=best.pt format=onnx [name=value ...]",
     .text = R"(
Writes a model as ONNX or TorchScript beside its .pt file, for other programs, val and predict.

  yolo detect export model=best.pt format=onnx imgsz=640
  yolo detect export model=best.pt format=torchscript dynamic=True quantize=16
)",
     .groups = kExportGroups,
     .others = kExportOthers},
    {.name = "memory",
     .usage =
         R"(yolo memory plan ARGUMENTS OF A TRAINING [ram=31G vram=24G device=0] [compare=KNOBS]
yolo memory advise ARGUMENTS OF A TRAINING [ram=31G vram=24G device=0]
yolo memory explain [RUN FOLDER] [data=data.yaml ram=31G vram=24G])",
     .text = R"(
plan says what a training will take before it runs, advise which settings are best here, explain
why a run ended. More of each:

  yolo help memory plan
  yolo help memory advise
  yolo help memory explain
)"},
    {.name = "memory plan",
     .usage =
         "yolo memory plan ARGUMENTS OF A TRAINING [ram=31G vram=24G device=0] [compare=KNOBS]",
     .text = R"(
Prints what a training with these arguments (yolo help train) would take, and what has to give to
fit the limit; nothing is trained. ram= and vram= plan for another machine: vram=24G is the whole of
its device, of which 85 % is planned with (in a training vram= is the budget itself). compare= adds
a table for each of its knobs (batch, imgsz, workers, recompute): what their values need. Exit code
4: it does not fit.

  yolo memory plan data=data.yaml model=yolo11n.yaml batch=64 workers=8
  yolo memory plan data=data.yaml model=yolo11n.yaml ram=31G vram=24G device=0 compare=batch,imgsz
)",
     .groups = kMemoryGroups},
    {.name = "memory advise",
     .usage = "yolo memory advise ARGUMENTS OF A TRAINING [ram=31G vram=24G device=0]",
     .text = R"(
Prints the best settings for this machine and for others, what each knob buys, and the command to
paste. The arguments are those of a training (yolo help train); what is not typed is chosen: on a
device the largest batch that fits device and host.

  yolo memory advise data=data.yaml model=yolo11n.yaml imgsz=640
  yolo memory advise data=data.yaml model=yolo11n.yaml ram=31G vram=24G device=0
)",
     .groups = kMemoryGroups},
    {.name = "memory explain",
     .usage = "yolo memory explain [RUN FOLDER] [data=data.yaml ram=31G vram=24G]",
     .text = R"(
Says how a run ended, what it held then and what its resume=True would change; without a folder
the newest run is meant. A run of Ultralytics is explained by its args.yaml: what it would have
taken, and what the same training takes here. For such a run data= says where its data are now,
ram= and vram= for which machine to plan.

  yolo memory explain runs/detect/train
  yolo memory explain /backup/ultralytics-run data=data.yaml ram=31G
)"},
    {.name = "monitor", .usage = "yolo monitor [RUN FOLDER] [--once] [--json]", .text = R"(
Shows a run once a second until it ends: what holds its memory, the limit, pressure, speed.
Without a folder the newest run is shown. Any terminal will do, also over ssh.

  --once    one look
  --json    the same figures in bytes, for programs

  yolo monitor runs/detect/train
  yolo monitor --once --json
)"},
    {.name = "data",
     .usage = R"(yolo data check data=data.yaml [--fix] [dst=NEW_FOLDER]
yolo data convert from=coco src=FOLDER_OR_JSON dst=NEW_FOLDER
yolo data convert from=voc src=FOLDER dst=NEW_FOLDER)",
     .text = R"(
check looks at a data set, convert makes one of COCO or VOC files. More of each:

  yolo help data check
  yolo help data convert
)"},
    {.name = "data check",
     .usage = "yolo data check data=data.yaml [--fix] [dst=NEW_FOLDER]",
     .text = R"(
Reads every image and label: boxes by class, sizes, corrupt files, duplicates within and across
splits. Exit code 3: a training would refuse the set. The data are never changed.

  --fix            writes a mended copy: without corrupt and doubled images and doubled labels
  dst=NEW_FOLDER   where to; else beside the data set, with -mended at the end of its name

  yolo data check data=data.yaml
  yolo data check data=data.yaml --fix dst=mended
)"},
    {.name = "data convert",
     .usage = R"(yolo data convert from=coco src=FOLDER_OR_JSON dst=NEW_FOLDER
yolo data convert from=voc src=FOLDER dst=NEW_FOLDER)",
     .text = R"(
Makes a data set for training of COCO's JSON or VOC's XML annotations. The source is never changed.

  yolo data convert from=coco src=coco/annotations/instances_train2017.json dst=dataset
  yolo data convert from=voc src=VOCdevkit/VOC2007 dst=dataset
)"},
    {.name = "settings",
     .usage = R"(yolo settings [runs_dir=FOLDER] [weights_dir=FOLDER] [datasets_dir=FOLDER]
yolo settings reset)",
     .text = R"(
Shows where runs, weights and data sets lie, and changes it. A relative folder is one of the
working folder. The file is that of Ultralytics; what else is in it stays as it is.

  yolo settings runs_dir=/data/runs
)"},
    {.name = "cfg", .usage = "yolo cfg", .text = R"(
Prints every option with its default, as a file for cfg=. Words on the command line win over it.

  yolo cfg > mine.yaml
  yolo detect train cfg=mine.yaml data=data.yaml
)"},
    {.name = "copy-cfg", .usage = "yolo copy-cfg", .text = R"(
Writes what `yolo cfg` prints to default_copy.yaml in the working folder.
)"},
    {.name = "checks", .usage = "yolo checks", .text = R"(
Prints this machine's memory, its limits and their files, cores, GPUs, and what a run would use.
)"},
    {.name = "version", .usage = "yolo version", .text = R"(
Prints the program's version.
)"},
};

const CommandHelp* FindCommand(std::string_view name) {
  for (const CommandHelp& command : kCommands) {
    // `check` and `setting` are understood as commands, too.
    if (command.name == name || command.name == std::string(name) + "s") return &command;
  }
  return nullptr;
}

std::vector<std::string> SubCommands(std::string_view name) {
  std::vector<std::string> subs;
  for (const CommandHelp& command : kCommands) {
    const std::string_view own = command.name;
    if (own.starts_with(name) && own.size() > name.size() && own[name.size()] == ' ')
      subs.emplace_back(own.substr(name.size() + 1));
  }
  return subs;
}

// The words that may name a command; `detect` stands before four of them and names none.
std::vector<std::string> NamesAmong(std::span<const std::string> words) {
  std::vector<std::string> names;
  std::copy_if(words.begin(), words.end(), std::back_inserter(names), [](const std::string& word) {
    return word != "detect" && !word.starts_with('-') && word.find('=') == std::string::npos;
  });
  return names;
}

std::string UnknownCommandText(const std::string& name) {
  std::vector<std::string> commands;
  for (const CommandHelp& command : kCommands) {
    if (command.name.find(' ') == std::string_view::npos) commands.emplace_back(command.name);
  }
  const std::vector<std::string> nearest = Nearest(name, commands);
  std::string text = fmt::format("there is no help on '{}'; ", name);
  if (FindOption(name) != nullptr)
    text += "it is an option; `yolo help train` (val, predict, export) lists them; ";
  return text + (nearest.empty() ? fmt::format("there is on {}", Join(commands, ", "))
                                 : fmt::format("the nearest are {}", Join(nearest, ", ")));
}

bool IsAmong(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The options that a command reads, by group.
std::string OptionRows(const CommandHelp& command) {
  std::string text;
  std::string others;
  std::string unused;
  for (const OptionGroup group : command.groups) {
    text += fmt::format("\n{}\n", GroupTitle(group));
    for (const OptionInfo& option : OptionTable()) {
      if (option.group != group) continue;
      (option.owner == OptionOwner::kOtherTask ? unused : text) += OptionLines(option);
    }
  }
  for (const OptionInfo& option : OptionTable()) {
    if (IsAmong(command.others, option.name)) others += OptionLines(option);
  }
  if (!others.empty()) text += "\nOther options that count here\n" + others;
  if (!unused.empty()) text += "\nAccepted, without effect\n" + unused;
  return text;
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
  yolo memory advise data=data.yaml model=yolo11n.yaml           the best settings, as a command
  yolo memory explain runs/detect/train                          why a run ended
  yolo monitor                                                   watch a run
  yolo data check data=data.yaml                                 look at a data set
  yolo data convert from=coco src=coco dst=dataset               make one of COCO or VOC files

  yolo help COMMAND   how to use one of these, with every option: yolo help train
  yolo cfg            the defaults as a file for cfg=; yolo copy-cfg writes it to the folder
  yolo settings       where runs, weights and data sets lie; yolo settings runs_dir=... changes it
  yolo checks         this machine and what a run would use
  yolo version

Options are name=value in any order; a switch alone is True (`yolo train cos_lr data=...`).
Exit codes: 0 done, 2 usage, 3 data, 4 memory, 5 internal, 6 cannot write, 130 interrupted.
)";
}

std::string HelpFor(std::span<const std::string> words) {
  const std::vector<std::string> names = NamesAmong(words);
  if (names.empty() || names[0] == "help") return HelpText();
  const CommandHelp* found = FindCommand(names[0]);
  if (found == nullptr) throw ConfigError(UnknownCommandText(names[0]));
  if (names.size() > 1 && !SubCommands(found->name).empty()) {
    const CommandHelp* sub = FindCommand(fmt::format("{} {}", found->name, names[1]));
    if (sub == nullptr) {
      throw ConfigError(fmt::format("'{}' is no command of `yolo {}`; there are {}", names[1],
                                    found->name, Join(SubCommands(found->name), ", ")));
    }
    found = sub;
  }
  return fmt::format("{}\n{}{}", found->usage, found->text, OptionRows(*found));
}

std::string UsageOf(std::string_view command) { return std::string(FindCommand(command)->usage); }

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
  std::string text =
      settings.file.empty()
          ? "There is no settings file; these are the defaults.\n"
          : fmt::format("Read from {}, which Ultralytics reads too.\n", settings.file.string());
  for (const std::string& warning : settings.warnings) text += fmt::format("{}\n", warning);
  return text + fmt::format(
                    "runs_dir: {}\nweights_dir: {}\ndatasets_dir: {}\n"
                    "To change one: yolo settings runs_dir=FOLDER\n",
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
