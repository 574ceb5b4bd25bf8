// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"
#include "headroom/core/log.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>
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

// What a command throws, told to the user.
ExitCode RunReported(const std::vector<std::string>& words) {
  try {
    return RunCommand(words);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.code();
  } catch (const c10::OutOfMemoryError& error) {
    std::fprintf(stderr, "out of memory: %s\n", error.what_without_backtrace());
    return ExitCode::kMemory;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "out of memory; use a smaller batch= or imgsz=\n");
    return ExitCode::kMemory;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "internal error: %s; please report it\n", error.what());
    return ExitCode::kInternal;
  }
}

// Output that did not arrive makes a command fail that else was done. Which error a line met is no
// longer known at the end.
ExitCode CheckOutput(ExitCode code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  std::fputs("standard output cannot be written: a full disk, or its reader is gone\n", stderr);
  return code == ExitCode::kDone ? ExitCode::kCannotWrite : code;
}

}  // namespace

int main(int argc, char** argv) {
  EnsurePassiveWaiting(argv);
  // Whole lines as they come, also into a pipe: who reads both streams sees them in order.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return static_cast<int>(CheckOutput(RunReported({argv + 1, argv + argc})));
}
