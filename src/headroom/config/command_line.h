// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/option_value.h"

#include <span>
#include <string>
#include <vector>

namespace headroom {

struct Override {
  std::string key;
  OptionValue value;
};

// What the words of a command line say.
struct ParsedCommand {
  std::string special;  // help, version, cfg, checks, settings, copy-cfg; or memory, monitor, data.
  std::vector<std::string> arguments;  // What follows memory, monitor, data or help, untouched.
  std::string task;                    // "detect".
  std::string mode;                    // train, val, predict, export; empty when nothing was said.
  std::vector<Override> overrides;     // Checked; the last one of a key wins.
  std::vector<std::string> warnings;

  [[nodiscard]] const OptionValue* Find(const std::string& key) const;
};

// Reads the words after the program's name: word order is free; `a=b`, `a = b`, `a =b`; a bare
// boolean name is True; `--x=1` and trailing commas are mended with a warning; cfg=file.yaml is
// read first, words on the line win over it. Nothing is evaluated. Throws ConfigError for unknown
// keys (with the nearest ones), wrong types and ranges.
[[nodiscard]] ParsedCommand ParseCommandLine(std::span<const std::string> words);

}  // namespace headroom
