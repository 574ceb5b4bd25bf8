// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/override.h"

#include <span>
#include <string>
#include <vector>

namespace headroom {

// What was typed, sorted out but not yet checked (train_options.h checks).
struct ParsedCommand {
  // "help", "version", "checks", "settings", "cfg", "copy-cfg", or a command of our own with its
  // own grammar: "memory", "monitor", "data". Empty for a task's run.
  std::string special;
  // The words after an own command, untouched; the other words beside a special one.
  std::vector<std::string> arguments;

  std::string task;  // "detect"; empty beside a special word.
  std::string mode;  // train, val, predict, export; empty beside a special word.
  // In the order typed (a cfg file's first), each key once; deprecated keys already under their new
  // names. What was typed and the command line's own defaults (model), without task and mode.
  std::vector<Override> overrides;
  // One line each, to be shown to the user.
  std::vector<std::string> warnings;

  // What was set for a key; null where nothing was.
  [[nodiscard]] const OptionValue* Find(std::string_view key) const {
    return headroom::Find(overrides, key);
  }
};

// The grammar of `yolo [TASK] MODE key=value ...`, words in any order (reference 8.4.190): `a = b`,
// brackets over several words, bare names of switches, cfg=file.yaml (words win over the file),
// deprecated keys. `words` is without the program's name; none at all is help, and --help anywhere
// is help on the others. Throws ConfigError: unknown names (each with its nearest options), missing
// values, open brackets, tasks and modes that are not part of this program, words beside a special
// one that takes none, and runs without data= or source=.
[[nodiscard]] ParsedCommand ParseCommandLine(std::span<const std::string> words);

// The same grammar for the arguments of own commands that take options of a run (`memory plan`):
// special words have no meaning and nothing is required.
[[nodiscard]] ParsedCommand ParseRunArguments(std::span<const std::string> words);

}  // namespace headroom
