// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/command_line.h"
#include "headroom/core/error.h"
#include "headroom/core/version.h"

#include <string>

namespace headroom {

inline constexpr const char* kVersion = kProgramVersion;

// Each runs one command and says how it ended. They throw Error for what ends them.
ExitCode RunTrain(const ParsedCommand& command);
ExitCode RunVal(const ParsedCommand& command);
// `yolo memory plan|advise|explain ...`.
ExitCode RunMemory(const ParsedCommand& command);
// `yolo monitor [RUN] [--once] [--json]`.
ExitCode RunMonitor(const ParsedCommand& command);
ExitCode RunPredict(const ParsedCommand& command);
ExitCode RunExport(const ParsedCommand& command);
// data convert, data check.
ExitCode RunData(const ParsedCommand& command);
// help, version, cfg, copy-cfg, checks, settings.
ExitCode RunSpecial(const ParsedCommand& command);

// True once Ctrl-C, a polite kill or the end of the terminal was received.
[[nodiscard]] bool Interrupted();
void InstallInterruptHandler();

}  // namespace headroom
