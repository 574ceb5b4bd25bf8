// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/help_text.h"

#include "headroom/config/option_table.h"

#include <fmt/format.h>

namespace headroom {

std::string HelpText() {
  return R"(Headroom trains YOLO detectors and is never killed for memory.

  yolo detect train data=data.yaml model=yolo11n.yaml epochs=100 imgsz=640
  yolo detect val   model=runs/detect/train/weights/best.pt data=data.yaml
  yolo memory plan  data=data.yaml model=yolo11n.yaml batch=64     what a run would need
  yolo help train                                                  every option
  yolo version | checks | cfg | settings

Options are key=value, in any order; `yolo detect train` continues an interrupted run with
model=runs/detect/train/weights/last.pt resume=True.
Exit codes: 0 done, 2 usage, 3 data, 4 memory, 5 internal, 6 cannot write, 130 interrupted.
)";
}

std::string OptionsHelp() {
  std::string text;
  const auto section = [&](const char* title, OptionOwner owner) {
    text += fmt::format("{}\n", title);
    for (const OptionInfo& option : OptionTable()) {
      if (option.owner != owner) continue;
      text += fmt::format("  {:<16} {:<12} {}\n", option.name, option.default_value.ToText(),
                          option.help);
    }
  };
  section("Options of the reference (name, default, meaning):", OptionOwner::kReference);
  section("\nOptions of Headroom:", OptionOwner::kOurs);
  section("\nAccepted, not used by detection:", OptionOwner::kOtherTask);
  return text;
}

std::string DefaultsYaml() {
  std::string text;
  for (const OptionInfo& option : OptionTable()) {
    text += fmt::format("{}: {}  # {}\n", option.name, option.default_value.ToYaml(), option.help);
  }
  return text;
}

std::string MissingDataText(const std::string& mode) {
  return fmt::format(
      R"(data= is missing: name a data.yaml such as

  train: images/train      # a folder or a list file
  val: images/val
  names: [cat, dog]

with a label file labels/train/NAME.txt beside every images/train/NAME.jpg (lines: class x y w h, from 0 to 1), then

  yolo detect {} data=data.yaml model={}
)",
      mode,
      mode == "train" ? "yolo11n.yaml epochs=100 imgsz=640" : "runs/detect/train/weights/best.pt");
}

}  // namespace headroom
