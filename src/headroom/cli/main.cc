// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"
#include "headroom/core/log.h"
#include "headroom/device/out_of_memory.h"
#include "headroom/monitor/effective_limit.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace headroom;  // NOLINT(google-build-using-namespace): the program's main file

// OpenMP reads its variables when its library is loaded, before main: threads that wait must not
// spin, since loader threads run beside them.
void EnsurePassiveWaiting(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
  ::execv("/proc/self/exe", argv);  // Without /proc this fails and the run is only slower.
}

ExitCode RunCommand(const std::vector<std::string>& words) {
  const ParsedCommand command = ParseCommandLine(words);
  for (const std::string& warning : command.warnings) LogWarning(warning);
  if (command.special == "data") return RunData(command);
  if (command.special == "memory") return RunMemory(command);
  if (command.special == "monitor") return RunMonitor(command);
  if (!command.special.empty()) return RunSpecial(command);
  if (command.mode == "val") return RunVal(command);
  if (command.mode == "predict") return RunPredict(command);
  if (command.mode == "export") return RunExport(command);
  if (command.mode == "train" || command.mode.empty()) {
    if (command.mode.empty()) LogWarning("no mode was given; train is used");
    return RunTrain(command);
  }
  throw ConfigError(
      fmt::format("mode '{}' is not part of this version; modes are train, val, predict and export",
                  command.mode));
}

// The limits that a refusal may come from.
std::string LimitsText() {
  std::string text;
  for (const MemoryLimit& limit : FindEffectiveLimit().all)
    text += fmt::format("\n  {:>10}  {}", ToString(limit.bytes), limit.origin);
  return text;
}

// What a command throws, told to the user.
ExitCode RunReported(const std::vector<std::string>& words) {
  try {
    return RunCommand(words);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.code();
  } catch (const std::exception& error) {
    if (const std::optional<std::string> what = OutOfMemoryText(error)) {
      std::fprintf(
          stderr,
          "out of memory: %s. Use a smaller batch= or imgsz=, or raise the limit; what this "
          "process may hold, smallest first:%s\n",
          what->c_str(), LimitsText().c_str());
      return ExitCode::kMemory;
    }
    std::fprintf(stderr, "internal error: %s; please report it\n", error.what());
    return ExitCode::kInternal;
  }
}

// Output that did not arrive makes a command fail that else was done. Which error a line met is no
// longer known at the end.
ExitCode CheckOutput(ExitCode code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  std::fputs(
      "standard output cannot be written: a full disk, a limit on files (ulimit -f), or its reader "
      "is "
      "gone\n",
      stderr);
  return code == ExitCode::kDone ? ExitCode::kCannotWrite : code;
}

}  // namespace

int main(int argc, char** argv) {
  EnsurePassiveWaiting(argv);
  // A file that grows beyond ulimit -f is a write error, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  // Whole lines as they come, also into a pipe: who reads both streams sees them in order.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return static_cast<int>(CheckOutput(RunReported({argv + 1, argv + argc})));
}
