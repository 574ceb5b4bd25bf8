// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/console.h"

#include "headroom/metrics/validation_table.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace headroom {
namespace {

constexpr std::chrono::milliseconds kRedraw(100);
constexpr int kBarCells = 12;

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// 59.9s, 1:05, 1:02:03
std::string Duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f}s", seconds);
  const auto whole = static_cast<long>(seconds);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace

Console::Console() : terminal_(::isatty(STDOUT_FILENO) == 1) {}

void Console::Live(const std::string& line) {
  last_line_ = line;
  if (!terminal_) return;
  std::fputs(("\r\033[K" + line).c_str(), stdout);
  std::fflush(stdout);
  live_ = true;
}

// What was live becomes a line of its own.
void Console::EndLive() {
  if (live_) std::fputs("\n", stdout);
  if (!live_ && !last_line_.empty()) std::puts(last_line_.c_str());
  std::fflush(stdout);
  live_ = false;
  last_line_.clear();
}

void Console::OnMessage(const std::string& text) {
  if (live_) EndLive();
  std::puts(text.c_str());
  std::fflush(stdout);
}

std::string Console::Bar(std::int64_t done, std::int64_t all) {
  const auto filled = all > 0 ? static_cast<int>(kBarCells * done / all) : kBarCells;
  std::string bar;
  for (int i = 0; i < kBarCells; ++i) bar += i < filled ? "━" : "─";
  return bar;
}

void Console::OnEpochStart(int /*epoch*/, const char* third_loss) {
  OnMessage(fmt::format("\n{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}", "Epoch", "box_loss", "cls_loss",
                        third_loss, "Instances", "Size"));
  epoch_start_ = std::chrono::steady_clock::now();
}

void Console::OnBatch(const BatchEvent& event) {
  const std::int64_t done = event.batch + 1;
  if (done < event.batches && std::chrono::steady_clock::now() - drawn_ < kRedraw) return;
  drawn_ = std::chrono::steady_clock::now();
  const double elapsed = SecondsSince(epoch_start_);
  const double left =
      elapsed / static_cast<double>(done) * static_cast<double>(event.batches - done);
  Live(fmt::format(
      "{:>11}{:>11.4g}{:>11.4g}{:>11.4g}{:>11}{:>11}: {:3}% {} {}/{} {:.1f} images/s {}<{}",
      fmt::format("{}/{}", event.epoch + 1, event.epochs), event.mean_items[0], event.mean_items[1],
      event.mean_items[2], event.instances, event.image_width, 100 * done / event.batches,
      Bar(done, event.batches), done, event.batches, event.images_per_second, Duration(elapsed),
      Duration(left)));
  if (done == event.batches) EndLive();
}

void Console::OnValidationProgress(std::int64_t done, std::int64_t all) {
  if (!terminal_) return;
  Live(fmt::format("{}: {:3}% {} {}/{}", ValidationHeader(), 100 * done / all, Bar(done, all), done,
                   all));
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
