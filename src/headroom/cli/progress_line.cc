// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/progress_line.h"

#include <fmt/format.h>

namespace headroom {
namespace {

constexpr int kBarCells = 12;
constexpr int kColumns = 66;  // Six columns of eleven.
// Below this width only what is needed most is shown.
constexpr int kNarrow = kColumns + 30;

std::string Gigabytes(Bytes bytes) {
  return fmt::format("{:.3g}", static_cast<double>(bytes.count()) / (1 << 30));
}

// "RAM 1.2/18G".
std::string Held(const char* name, Bytes used, Bytes limit) {
  if (limit == Bytes() || limit == Bytes::Max()) return {};
  return fmt::format(" {} {}/{}G", name, Gigabytes(used), Gigabytes(limit));
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

std::string ProgressHeader(const char* third_loss, int width) {
  if (width > 0 && width < kNarrow) return {};
  return fmt::format("\n{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}", "Epoch", "box_loss", "cls_loss",
                     third_loss, "Instances", "Size");
}

std::string ProgressLine(const BatchEvent& event, double elapsed_s, int width) {
  const std::int64_t done = event.batch + 1;
  const double left =
      elapsed_s / static_cast<double>(done) * static_cast<double>(event.batches - done);
  const std::string epoch = fmt::format("{}/{}", event.epoch + 1, event.epochs);
  const auto percent = 100 * done / event.batches;
  const std::string memory = Held("RAM", event.host_used, event.host_limit) +
                             Held("GPU", event.device_used, event.device_limit);
  const std::string time = fmt::format("{}<{}", Duration(elapsed_s), Duration(left));
  const auto& loss = event.mean_items;
  if (width > 0 && width < kNarrow) {
    const double sum = loss[0] + loss[1] + loss[2];
    std::string line = fmt::format("{} {:3}% loss {:.4g}", epoch, percent, sum);
    for (const std::string& part :
         {" " + time, fmt::format(" {:.1f} images/s", event.images_per_second), memory}) {
      if (static_cast<int>(line.size() + part.size()) < width) line += part;
    }
    return line.substr(0, static_cast<std::size_t>(width - 1));
  }
  std::string line =
      fmt::format("{:>11}{:>11.4g}{:>11.4g}{:>11.4g}{:>11}{:>11}: {:3}%", epoch, loss[0], loss[1],
                  loss[2], event.instances, event.image_width, percent);
  int used = static_cast<int>(line.size());
  const auto add = [&](const std::string& part, int cells) {
    if (width > 0 && used + cells >= width) return;
    line += part;
    used += cells;
  };
  const bool room_for_bar =
      width == 0 || used + kBarCells + 45 + static_cast<int>(memory.size()) < width;
  if (room_for_bar) add(" " + ProgressBar(done, event.batches), kBarCells + 1);
  for (const std::string& part :
       {fmt::format(" {}/{}", done, event.batches),
        fmt::format(" {:.1f} images/s", event.images_per_second), " " + time, memory}) {
    add(part, static_cast<int>(part.size()));
  }
  return line;
}

}  // namespace headroom
