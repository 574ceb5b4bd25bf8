// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/monitor/host_memory.h"
#include "headroom/monitor/last_state.h"
#include "headroom/monitor/run_fate.h"

#include <cstdint>
#include <optional>
#include <string>

namespace headroom {

// What `yolo monitor` shows of one run: its page, and what the system says of its process now.
struct MonitorView {
  LastState last;
  RunFate fate = RunFate::kRunning;
  std::optional<ProcessMemory> process;  // Of the run's pid, where it is visible.
  std::optional<HostMemory> host;
  std::int64_t unix_ms = 0;  // Now.
};

enum class ScreenStyle : std::uint8_t {
  kPlain,
  kAnsiColour,
  kUncut,  // For a file or a pipe: bars fit the width, text is as long as it is.
};

// One terminal screen, lines of at most `width` columns (40 at least), without cursor movement: the
// caller clears and prints. Bars per consumer against the limit, largest first, then the limits,
// pressure, trend and speed. Pure.
[[nodiscard]] std::string RenderScreen(const MonitorView& view, int width,
                                       ScreenStyle style = ScreenStyle::kPlain);
// The same figures for scripts, in bytes; one object.
[[nodiscard]] std::string RenderJson(const MonitorView& view);

}  // namespace headroom
