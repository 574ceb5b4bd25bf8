// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/command_line.h"
#include "headroom/config/options.h"

namespace headroom {

// Of a checkpoint named by model= only imgsz, data and single_cls are remembered, where the command
// line does not say them.
void RememberFromCheckpoint(const ParsedCommand& command, OptionSet* set);

// Options of a command that runs a model; model= is required.
[[nodiscard]] Options OptionsForModel(const ParsedCommand& command, const char* mode);

// Says that val and predict compute in fp32 when quantize= asks for less.
void WarnOfPrecision(const Options& options);

}  // namespace headroom
