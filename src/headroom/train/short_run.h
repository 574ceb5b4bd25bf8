// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/ledger.h"
#include "headroom/train/observer.h"
#include "headroom/train/trainer.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace headroom::testing {

struct Recorder : TrainObserver {
  void OnMessage(const std::string& text) override { messages += text + "\n"; }
  void OnEpochEnd(const EpochEvent& event) override {
    epochs.push_back(event);
    if (after_epoch) after_epoch(event);
  }
  std::string messages;
  std::vector<EpochEvent> epochs;
  std::function<void(const EpochEvent&)> after_epoch;  // Its checkpoint is written.
};

// What a run told.
struct Outcome {
  TrainOutcome outcome;
  Recorder recorder;
};

struct ShortRun {
  std::filesystem::path runs;
  std::vector<Override> typed;         // Over small defaults, which count as typed too.
  std::vector<Override> untyped = {};  // As read from a checkpoint.
  std::function<bool()> stop = {};
  std::function<void(const EpochEvent&)> after_epoch = {};
};

inline bool Names(const std::vector<Override>& options, const std::string& name) {
  return std::any_of(options.begin(), options.end(),
                     [&](const Override& option) { return option.key == name; });
}

inline Outcome Train(const ShortRun& run) {
  const std::vector<Override> defaults = {{"imgsz", OptionValue(std::int64_t{64})},
                                          {"batch", OptionValue(std::int64_t{8})},
                                          {"workers", OptionValue(std::int64_t{0})},
                                          {"epochs", OptionValue(std::int64_t{1})},
                                          {"device", OptionValue("cpu")},
                                          {"amp", OptionValue(false)},
                                          {"plots", OptionValue(false)},
                                          {"project", OptionValue(run.runs.string())}};
  std::vector<Override> typed;
  for (const Override& option : defaults) {
    if (!Names(run.typed, option.key) && !Names(run.untyped, option.key)) typed.push_back(option);
  }
  typed.insert(typed.end(), run.typed.begin(), run.typed.end());
  std::vector<Override> all = typed;
  all.insert(all.end(), run.untyped.begin(), run.untyped.end());
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::GiB(16), "a test", ledger);
  Outcome result;
  result.recorder.after_epoch = run.after_epoch;
  Settings settings;
  settings.datasets_dir = run.runs;
  Trainer trainer(Options::From(OptionSet(all), typed), settings, budget, result.recorder,
                  run.stop);
  result.outcome = trainer.Run();
  result.recorder.after_epoch = nullptr;
  return result;
}

inline Outcome Train(const std::filesystem::path& runs, std::vector<Override> typed) {
  return Train(ShortRun{.runs = runs, .typed = std::move(typed)});
}

}  // namespace headroom::testing
