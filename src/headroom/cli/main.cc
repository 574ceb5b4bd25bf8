// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"
#include "headroom/config/help_text.h"
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

// Libraries read these before main. OpenMP: threads that wait must not spin, since loader threads
// run beside them. oneDNN: weight gradients with AMX load a tile configuration for every small
// block, which made a bf16 step five times as slow as with AVX-512 alone where that was measured (a
// virtual machine on a Sapphire Rapids). What the user has set stays.
void SetLibraryVariables(char** argv) {
  constexpr const char* kVariables[][2] = {{"OMP_WAIT_POLICY", "passive"},
                                           {"ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16"}};
  bool changed = false;
  for (const auto& [name, value] : kVariables) {
    if (std::getenv(name) != nullptr) continue;
    ::setenv(name, value, 1);
    changed = true;
  }
  if (changed) ::execv("/proc/self/exe", argv);  // Without /proc this fails: only slower.
}

ExitCode RunCommand(const std::vector<std::string>& words) {
  if (words.empty()) {
    std::fputs(HelpText().c_str(), stdout);
    return ExitCode::kDone;
  }
  const ParsedCommand command = ParseCommandLine(words);
  for (const std::string& warning : command.warnings) LogWarning(warning);
  if (command.special == "memory") return RunMemory(command);
  if (command.special == "monitor") return RunMonitor(command);
  if (!command.special.empty()) return RunSpecial(command);
  if (command.mode == "val") return RunVal(command);
  if (command.mode == "train" || command.mode.empty()) {
    if (command.mode.empty()) LogWarning("no mode was given; train is used");
    return RunTrain(command);
  }
  throw ConfigError(
      fmt::format("mode '{}' is not part of this version; modes are train and val", command.mode));
}

}  // namespace

int main(int argc, char** argv) {
  SetLibraryVariables(argv);
  try {
    return static_cast<int>(RunCommand({argv + 1, argv + argc}));
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const c10::OutOfMemoryError& error) {
    std::fprintf(stderr, "out of memory: %s\n", error.what_without_backtrace());
    return static_cast<int>(ExitCode::kMemory);
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "out of memory; use a smaller batch= or imgsz=\n");
    return static_cast<int>(ExitCode::kMemory);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "internal error: %s; please report it\n", error.what());
    return static_cast<int>(ExitCode::kInternal);
  }
}
