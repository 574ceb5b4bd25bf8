// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"

#include <csignal>

namespace headroom {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

// The first signal asks the run to end; a second one ends the process at once. But for hang-ups: of
// a closed terminal both the system and the shell send one.
void OnSignal(int signal) {
  if (g_interrupted != 0 && signal != SIGHUP) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  g_interrupted = 1;
}

}  // namespace

bool Interrupted() { return g_interrupted != 0; }

void InstallInterruptHandler() {
  std::signal(SIGINT, OnSignal);
  std::signal(SIGTERM, OnSignal);
  // nohup ignores it: such a run outlives its terminal.
  struct sigaction hang_up{};
  if (::sigaction(SIGHUP, nullptr, &hang_up) == 0 && hang_up.sa_handler != SIG_IGN)
    std::signal(SIGHUP, OnSignal);
}

}  // namespace headroom
