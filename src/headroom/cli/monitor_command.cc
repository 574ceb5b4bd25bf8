// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"
#include "headroom/cli/last_run.h"
#include "headroom/config/help_text.h"
#include "headroom/monitor/monitor_screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

namespace headroom {
namespace {

struct MonitorArguments {
  std::string run;
  bool once = false;
  bool json = false;
};

MonitorArguments Parse(const std::vector<std::string>& words) {
  MonitorArguments arguments;
  for (const std::string& word : words) {
    if (word == "--once") {
      arguments.once = true;
    } else if (word == "--json") {
      arguments.json = true;
    } else if (word.starts_with("-") || !arguments.run.empty()) {
      throw ConfigError(
          fmt::format("'{}' is not understood; the command is: {}", word, UsageOf("monitor")));
    } else {
      arguments.run = word;
    }
  }
  return arguments;
}

MonitorView Look(const std::filesystem::path& page) {
  Result<LastState> last = ReadLastState(page);
  if (!last) throw DataError(last.error());
  const SystemRoot root;
  MonitorView view;
  const PresentSystem present = LookAtPresent(last->identity, root);
  view.fate = DecideFate(*last, present);
  HostMemoryReader host(root, fmt::format("{}", last->identity.pid));
  view.host = host.ReadHost();
  if (view.fate == RunFate::kRunning) view.process = host.ReadProcess();
  view.unix_ms = UnixMilliseconds();
  view.last = std::move(*last);
  return view;
}

int TerminalWidth() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace

ExitCode RunMonitor(const ParsedCommand& command) {
  const MonitorArguments arguments = Parse(command.arguments);
  const std::filesystem::path page = FindPage(arguments.run, ReadSettings(), "yolo monitor");
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  InstallInterruptHandler();
  while (true) {
    const MonitorView view = Look(page);
    if (arguments.json) {
      std::puts(RenderJson(view).c_str());
    } else {
      if (terminal && !arguments.once) std::fputs("\033[H\033[2J", stdout);
      std::puts(RenderScreen(view, std::max(TerminalWidth(), 40),
                             terminal ? ScreenStyle::kAnsiColour : ScreenStyle::kUncut)
                    .c_str());
    }
    std::fflush(stdout);
    if (arguments.once || view.fate != RunFate::kRunning) return ExitCode::kDone;
    for (int i = 0; i < 10; ++i) {
      if (Interrupted()) return ExitCode::kDone;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
}

}  // namespace headroom
