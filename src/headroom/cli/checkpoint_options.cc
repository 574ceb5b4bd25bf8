// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/checkpoint_options.h"

#include "headroom/core/error.h"
#include "headroom/core/log.h"
#include "headroom/train/checkpoint.h"

#include <fmt/format.h>

#include <filesystem>

namespace headroom {

void RememberFromCheckpoint(const ParsedCommand& command, OptionSet* set) {
  const std::string model = set->Get("model").ToText();
  if (!model.ends_with(".pt") || !std::filesystem::exists(model)) return;
  Result<CheckpointContents> file = ReadCheckpoint(model);
  if (!file || file->train_args == nullptr) return;
  const OptionSet trained = OptionsOf(*file);
  for (const char* name : {"imgsz", "data", "single_cls"}) {
    if (command.Find(name) == nullptr) set->Set(name, trained.Get(name));
  }
}

Options OptionsForModel(const ParsedCommand& command, const char* mode) {
  OptionSet set(command.overrides);
  set.Set("mode", OptionValue(mode));
  RememberFromCheckpoint(command, &set);
  Options options = Options::From(std::move(set), command.overrides);
  if (options.model.empty()) {
    throw ConfigError(
        fmt::format("model= is missing: name the weights, for example `yolo {} "
                    "model=runs/detect/train/weights/best.pt`",
                    mode));
  }
  return options;
}

void WarnOfPrecision(const Options& options) {
  if (options.half)
    LogWarning("quantize=16 is for yolo export; val and predict compute .pt files in fp32");
}

}  // namespace headroom
