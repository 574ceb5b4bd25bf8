// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/console.h"

#include "headroom/cli/progress_line.h"
#include "headroom/metrics/validation_table.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

namespace headroom {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRedraw(100);
// Where lines stay, a line now and then is enough.
constexpr std::chrono::seconds kLogInterval(30);

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// 0 where standard output is no terminal: lines are not cut then.
int TerminalWidth() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) return size.ws_col;
  return 0;
}

}  // namespace

Console::Console() : terminal_(::isatty(STDOUT_FILENO) == 1) {}

void Console::Live(const std::string& line) {
  if (!terminal_) return;
  std::fputs(("\r\033[K" + line).c_str(), stdout);
  std::fflush(stdout);
  live_ = true;
}

// What was live becomes a line of its own.
void Console::EndLive() {
  if (live_) std::fputs("\n", stdout);
  std::fflush(stdout);
  live_ = false;
}

void Console::OnMessage(const std::string& text) {
  if (live_) EndLive();
  std::puts(text.c_str());
  std::fflush(stdout);
}

void Console::OnEpochStart(int /*epoch*/, const char* third_loss) {
  const std::string header = ProgressHeader(third_loss, TerminalWidth());
  if (!header.empty()) OnMessage(header);
  epoch_start_ = drawn_ = std::chrono::steady_clock::now();
}

void Console::OnBatch(const BatchEvent& event) {
  const std::int64_t done = event.batch + 1;
  const auto now = std::chrono::steady_clock::now();
  const bool last = done == event.batches;
  if (!last && now - drawn_ < (terminal_ ? Clock::duration(kRedraw) : kLogInterval)) return;
  drawn_ = now;
  const std::string line = ProgressLine(event, SecondsSince(epoch_start_), TerminalWidth());
  if (!terminal_) {
    std::puts(line.c_str());
    std::fflush(stdout);
    return;
  }
  Live(line);
  if (last) EndLive();
}

void Console::OnValidationProgress(std::int64_t done, std::int64_t all) {
  if (!terminal_) return;
  Live(fmt::format("{}: {:3}% {} {}/{}", ValidationHeader(), 100 * done / all,
                   ProgressBar(done, all), done, all));
}

void Console::OnEpochEnd(const EpochEvent& event) {
  if (!event.validated) return;
  if (live_) {
    EndLive();
  } else {
    std::puts(ValidationHeader().c_str());
  }
  OnMessage(ValidationSummaryRow(event.metrics));
}

}  // namespace headroom
