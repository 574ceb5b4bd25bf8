// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/console.h"

#include "headroom/cli/progress_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace headroom {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRedraw(100);
// Where lines stay, a line now and then is enough.
constexpr std::chrono::seconds kLogInterval(30);
// Of a terminal that does not tell.
constexpr int kUsualWidth = 80;

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool LinesCanBeRedrawn() {
  return ::isatty(STDOUT_FILENO) == 1 && Environment("TERM") != "dumb" && Environment("CI").empty();
}

int TerminalWidth() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kUsualWidth;
}

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Console::Console(ConsoleDetail detail) : detail_(detail), terminal_(LinesCanBeRedrawn()) {}

void Console::Live(const std::string& line, AtEnd at_end) {
  std::fputs(("\r\033[K" + line).c_str(), stdout);
  std::fflush(stdout);
  live_ = true;
  at_end_ = at_end;
}

void Console::EndLive() {
  if (live_) std::fputs(at_end_ == AtEnd::kStays ? "\n" : "\r\033[K", stdout);
  live_ = false;
}

void Console::OnMessage(const std::string& text) {
  EndLive();
  std::puts(text.c_str());
  std::fflush(stdout);
}

void Console::OnEpochStart(int /*epoch*/, std::span<const std::string> losses) {
  epoch_start_ = drawn_ = Clock::now();
  if (detail_ == ConsoleDetail::kEpochs) return;
  const std::string header = ProgressHeader(losses, terminal_ ? TerminalWidth() : 0);
  if (!header.empty()) OnMessage(header);
}

void Console::OnBatch(const BatchEvent& event) {
  last_batch_ = event;
  if (detail_ == ConsoleDetail::kEpochs) return;
  const auto now = Clock::now();
  const bool last = event.batch + 1 == event.batches;
  if (!last && now - drawn_ < (terminal_ ? Clock::duration(kRedraw) : kLogInterval)) return;
  drawn_ = now;
  const double elapsed = SecondsSince(epoch_start_);
  if (!terminal_) {
    OnMessage(ProgressLine(event, elapsed, 0));
    return;
  }
  Live(ProgressLine(event, elapsed, TerminalWidth()), AtEnd::kStays);
  if (last) EndLive();
}

void Console::OnValidationProgress(std::int64_t done, std::int64_t all) {
  if (!terminal_ || detail_ == ConsoleDetail::kEpochs) return;
  Live(ValidationLine(done, all, TerminalWidth()), AtEnd::kIsCleared);
}

void Console::OnEpochEnd(const EpochEvent& event) {
  if (detail_ == ConsoleDetail::kEpochs) {
    OnMessage(EpochLine(event, last_batch_));
  } else if (event.validated) {
    OnMessage(ValidationFound(event.metrics, terminal_ ? TerminalWidth() : 0));
  }
}

}  // namespace headroom
