// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"

#include <csignal>

namespace headroom {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

// The first signal asks the run to end; a second one ends the process at once.
void OnSignal(int signal) {
  if (g_interrupted != 0) {
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
}

}  // namespace headroom
