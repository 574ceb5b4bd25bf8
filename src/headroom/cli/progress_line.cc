// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/progress_line.h"

#include "headroom/metrics/validation_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <span>

namespace headroom {
namespace {

constexpr int kBarCells = 12;
constexpr int kColumn = 11;
// Beside the columns there is room for this, or there are none.
constexpr int kBesideColumns = 30;

// Columns of the epoch, the losses, instances and size.
bool IsNarrow(std::size_t losses, int width) {
  const int columns = (static_cast<int>(losses) + 3) * kColumn;
  return width > 0 && width < columns + kBesideColumns;
}

int SizeOf(const std::string& ascii) { return static_cast<int>(ascii.size()); }

bool Fits(int columns, int width) { return width == 0 || columns < width; }

// The first columns of a line of ASCII.
std::string CutTo(const std::string& line, int width) {
  return width == 0 ? line : line.substr(0, static_cast<std::size_t>(std::max(width - 1, 0)));
}

std::string Gigabytes(Bytes bytes) {
  return fmt::format("{:.3g}", static_cast<double>(bytes.count()) / (1 << 30));
}

// " RAM 1.2/18G".
std::string Held(const char* name, Bytes used, Bytes limit) {
  if (limit == Bytes() || limit == Bytes::Max()) return {};
  return fmt::format(" {} {}/{}G", name, Gigabytes(used), Gigabytes(limit));
}

std::string HeldMemory(const BatchEvent& event) {
  return Held("RAM", event.host_used, event.host_limit) +
         Held("GPU", event.device_used, event.device_limit);
}

std::string EpochOf(const BatchEvent& event) {
  return fmt::format("{}/{}", event.epoch + 1, event.epochs);
}

std::string SpeedOf(const BatchEvent& event) {
  return fmt::format(" {:.1f} images/s", event.images_per_second);
}

// " 10.0s<1:05": elapsed and left.
std::string Clock(const BatchEvent& event, double elapsed_s) {
  const auto done = static_cast<double>(event.batch + 1);
  const double left = elapsed_s / done * (static_cast<double>(event.batches) - done);
  return fmt::format(" {}<{}", Duration(elapsed_s), Duration(left));
}

double Sum(const LossItems& items) { return std::accumulate(items.begin(), items.end(), 0.0); }

// A part of a line, in its place; parts of higher rank are left out first.
struct Part {
  std::string text;
  int rank = 0;
};

// The parts that fit, in their order.
std::string JoinFitting(std::span<const Part> parts, int width) {
  int highest = 0;
  for (const Part& part : parts) highest = std::max(highest, part.rank);
  for (int most = highest; most >= 0; --most) {
    std::string line;
    for (const Part& part : parts) {
      if (part.rank <= most) line += part.text;
    }
    if (Fits(SizeOf(line), width) || most == 0) return CutTo(line, width);
  }
  return {};
}

std::string NarrowLine(const BatchEvent& event, double elapsed_s, int width) {
  const LossItems& loss = event.mean_items;
  const std::string epoch =
      fmt::format("{} {:3}%", EpochOf(event), 100 * (event.batch + 1) / event.batches);
  const std::string rest = HeldMemory(event) + Clock(event, elapsed_s) + SpeedOf(event);
  std::string losses = " loss";
  for (const double term : loss) losses += fmt::format(" {:.3g}", term);
  if (!Fits(SizeOf(epoch + losses + rest), width)) losses = fmt::format(" loss {:.4g}", Sum(loss));
  const std::array<Part, 6> parts = {
      {{epoch, 0},
       {losses, 0},
       {fmt::format(" {} obj {}px", event.instances, event.image_width), 4},
       {HeldMemory(event), 1},
       {Clock(event, elapsed_s), 2},
       {SpeedOf(event), 3}}};
  return JoinFitting(parts, width);
}

}  // namespace

std::string Duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f}s", seconds);
  const auto whole = static_cast<long>(seconds);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string ProgressBar(std::int64_t done, std::int64_t all) {
  const auto filled = all > 0 ? static_cast<int>(kBarCells * done / all) : kBarCells;
  std::string bar;
  for (int i = 0; i < kBarCells; ++i) bar += i < filled ? "━" : "─";
  return bar;
}

std::string ProgressHeader(std::span<const std::string> losses, int width) {
  if (IsNarrow(losses.size(), width)) return {};
  std::string header = fmt::format("\n{:>11}", "Epoch");
  for (const std::string& loss : losses) header += fmt::format("{:>11}", loss);
  return header + fmt::format("{:>11}{:>11}", "Instances", "Size");
}

std::string ProgressLine(const BatchEvent& event, double elapsed_s, int width) {
  if (IsNarrow(event.mean_items.size(), width)) return NarrowLine(event, elapsed_s, width);
  const std::int64_t done = event.batch + 1;
  std::string columns = fmt::format("{:>11}", EpochOf(event));
  for (const double term : event.mean_items) columns += fmt::format("{:>11.4g}", term);
  columns += fmt::format("{:>11}{:>11}: {:3}%", event.instances, event.image_width,
                         100 * done / event.batches);
  const std::array<Part, 5> parts = {{{columns, 0},
                                      {fmt::format(" {}/{}", done, event.batches), 4},
                                      {SpeedOf(event), 3},
                                      {Clock(event, elapsed_s), 2},
                                      {HeldMemory(event), 1}}};
  std::string line = JoinFitting(parts, width);
  const bool room_for_bar = width > 0 && SizeOf(line) + kBarCells + 1 < width;
  if (room_for_bar) {
    line.insert(parts[0].text.size(), " " + ProgressBar(done, event.batches));
  }
  return line;
}

std::string ValidationLine(std::int64_t done, std::int64_t all, int width) {
  const std::string count = fmt::format(" {}/{}", done, all);
  std::string line = fmt::format("{}: {:3}%", ValidationHeader(), 100 * done / all);
  if (!Fits(SizeOf(line + count) + kBarCells + 1, width))
    line = fmt::format("Validating: {:3}%", 100 * done / all);
  if (!Fits(SizeOf(line + count), width)) return CutTo(line, width);
  if (!Fits(SizeOf(line + count) + kBarCells + 1, width)) return line + count;
  return line + " " + ProgressBar(done, all) + count;
}

std::string ValidationFound(const DetectionMetrics& metrics, int width) {
  const std::string header = ValidationHeader();
  if (Fits(SizeOf(header), width)) return header + "\n" + ValidationSummaryRow(metrics);
  const std::array<Part, 2> parts = {
      {{fmt::format("mAP50 {:.3g} mAP50-95 {:.3g}", metrics.map50, metrics.map50_95), 0},
       {fmt::format(" P {:.3g} R {:.3g}", metrics.precision, metrics.recall), 1}}};
  return JoinFitting(parts, width);
}

std::string EpochLine(const EpochEvent& event, const BatchEvent& last) {
  std::string line = fmt::format("{} loss {:.4g}", EpochOf(last), Sum(event.train_items));
  if (event.validated) {
    line +=
        fmt::format(" mAP50 {:.3g} mAP50-95 {:.3g}", event.metrics.map50, event.metrics.map50_95);
  }
  return line + fmt::format(" {}", Duration(event.seconds)) + SpeedOf(last) + HeldMemory(last);
}

}  // namespace headroom
