// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"
#include "headroom/config/help_text.h"
#include "headroom/config/settings.h"
#include "headroom/core/file.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/monitor/usable_cores.h"
#include "headroom/train/run_setup.h"

#include <ATen/Context.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <cstdio>

namespace headroom {
namespace {

void Print(const std::string& text) { std::fputs(text.c_str(), stdout); }

std::string Checks() {
  const EffectiveLimit limit = FindEffectiveLimit();
  const UsableCores cores = FindUsableCores();
  std::string text = fmt::format("Headroom {}, LibTorch {}\n", kVersion, TORCH_VERSION);
  text += fmt::format("Cores: {} ({})\n", cores.count, cores.origin);
  text += fmt::format("bf16 multiplication: {}\n", HasNativeBFloat16() ? "yes" : "no");
  text += fmt::format("CUDA devices: {}\n", at::hasCUDA() ? "yes" : "none");
  text += "Memory limits, smallest first:\n";
  for (const MemoryLimit& one : limit.all)
    text += fmt::format("  {:>10}  {}\n", ToString(one.bytes), one.origin);
  if (const auto budget = BudgetFromOption(std::nullopt, limit.smallest)) {
    text +=
        fmt::format("A default run may hold {} ({})\n", ToString(budget->bytes), budget->origin);
  }
  return text;
}

}  // namespace

ExitCode RunSpecial(const ParsedCommand& command) {
  const std::string& word = command.special;
  if (word == "help") {
    Print(command.mode.empty() && command.arguments.empty() ? HelpText() : OptionsHelp());
  } else if (word == "version") {
    Print(fmt::format("{}\n", kVersion));
  } else if (word == "cfg") {
    Print(DefaultsYaml());
  } else if (word == "copy-cfg") {
    WriteFileAtomic("default_copy.yaml", DefaultsYaml());
    Print("default_copy.yaml was written; use it with cfg=default_copy.yaml\n");
  } else if (word == "checks") {
    Print(Checks());
  } else if (word == "settings") {
    Print(SettingsText(ReadSettings()));
  } else {
    throw ConfigError(fmt::format("`yolo {}` is not part of this version", word));
  }
  return ExitCode::kDone;
}

}  // namespace headroom
