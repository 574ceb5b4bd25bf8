// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/monitor_screen.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

namespace headroom {
namespace {

struct Bar {
  std::string name;
  Bytes now;
  Bytes peak;
};

// A line longer than the screen would wrap and push the bars out of line. Counts columns, not
// bytes.
std::string Cut(const std::string& line, std::size_t width) {
  std::size_t columns = 0;
  std::size_t end = 0;
  while (end < line.size() && columns < width) {
    ++columns;
    ++end;
    while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) ++end;
  }
  return line.substr(0, end);
}

// Eighths of a column, so that small consumers show.
std::string BarOf(double fraction, std::size_t columns) {
  static constexpr std::array<const char*, 8> kParts = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  fraction = std::clamp(fraction, 0.0, 1.0);
  const auto eighths =
      static_cast<std::size_t>(std::lround(fraction * static_cast<double>(columns) * 8));
  std::string bar;
  for (std::size_t i = 0; i < eighths / 8; ++i) bar += "█";
  bar += kParts[eighths % 8];
  const std::size_t filled = (eighths + 7) / 8;
  for (std::size_t i = filled; i < columns; ++i) bar += "·";
  return bar;
}

double Fraction(Bytes part, Bytes whole) {
  return whole == Bytes() ? 0
                          : static_cast<double>(part.count()) / static_cast<double>(whole.count());
}

// What the limit counts.
Bytes AnonymousNow(const MonitorView& view) {
  return view.process && view.process->rss_anon > Bytes() ? view.process->rss_anon
                                                          : view.last.state.rss_anon;
}

Bytes ResidentNow(const MonitorView& view) {
  return view.process && view.process->rss > Bytes() ? view.process->rss : view.last.state.rss;
}

// What the rows of the consumers add up to.
Bytes HeldNow(const MonitorView& view) {
  return HeldBytes(view.last.state.ledger, AnonymousNow(view));
}

std::vector<Bar> Consumers(const MonitorView& view, MemoryPlace place) {
  std::vector<Bar> bars;
  Bytes named;
  const Ledger::Snapshot& ledger = view.last.state.ledger;
  for (std::size_t i = 0; i < kMemoryTagCount; ++i) {
    const auto tag = static_cast<MemoryTag>(i);
    const Ledger::Row& row = ledger.row(tag, place);
    named += row.now;
    if (row.now > Bytes()) bars.push_back({std::string(Name(tag)), row.now, row.peak});
  }
  if (place == MemoryPlace::kHost) {
    const Bytes unaccounted = SaturatingSub(HeldNow(view), named);
    if (unaccounted > Bytes()) bars.push_back({"unaccounted", unaccounted, unaccounted});
  }
  std::sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) {
    return std::tie(b.now, a.name) < std::tie(a.now, b.name);
  });
  return bars;
}

class Screen {
 public:
  Screen(int width, ScreenStyle style)
      : width_(static_cast<std::size_t>(std::max(width, 40))), style_(style) {}

  void Line(const std::string& line) {
    text_ += (style_ == ScreenStyle::kUncut ? line : Cut(line, width_)) + "\n";
  }
  void AddBar(const Bar& bar, Bytes whole) {
    const double fraction = Fraction(bar.now, whole);
    const std::string figures = fmt::format(" {:>9} {:>3.0f} %", ToString(bar.now), 100 * fraction);
    const std::size_t columns = width_ - 14 - figures.size();
    const std::string drawn = BarOf(fraction, columns);
    const char* colour = fraction > 0.9 ? "\x1b[31m" : fraction > 0.75 ? "\x1b[33m" : "\x1b[32m";
    const bool coloured = style_ == ScreenStyle::kAnsiColour;
    text_ += fmt::format("{:<13} {}{}{}{}\n", bar.name, coloured ? colour : "", drawn,
                         coloured ? "\x1b[0m" : "", figures);
  }
  [[nodiscard]] std::string Take() { return std::move(text_); }

 private:
  std::size_t width_;
  ScreenStyle style_;
  std::string text_;
};

std::string Title(const MonitorView& view) {
  const RunState& state = view.last.state;
  std::string title =
      fmt::format("{}  {}  {}", view.last.identity.run_folder, Name(view.fate), Name(state.phase));
  if (state.epoch > 0)
    title += fmt::format("  epoch {}/{}  batch {}/{}", state.epoch, state.epochs, state.batch,
                         state.batches);
  if (state.images_per_s > 0) title += fmt::format("  {:.1f} images/s", state.images_per_s);
  return title;
}

void AddPlace(Screen& screen, const MonitorView& view, MemoryPlace place, const Bar& held,
              Bytes whole) {
  screen.AddBar(held, whole);
  for (const Bar& bar : Consumers(view, place))
    screen.AddBar({"  " + bar.name, bar.now, bar.peak}, whole);
}

// What is left below the limit, and where it goes: nowhere once the run has ended.
std::string RoomLine(const MonitorView& view) {
  const RunState& state = view.last.state;
  const Bytes room = SaturatingSub(state.limit, AnonymousNow(view));
  if (view.fate != RunFate::kRunning) return fmt::format("room was {}", ToString(room));
  if (state.limit_falls_per_s <= 1e6)
    return fmt::format("room {}, others' use is steady", ToString(room));
  const Bytes rate(static_cast<std::uint64_t>(state.limit_falls_per_s));
  return fmt::format("room {}, others take {}/s, the limit is met in {:.0f} s", ToString(room),
                     ToString(rate), static_cast<double>(room.count()) / state.limit_falls_per_s);
}

void AddConditions(Screen& screen, const MonitorView& view) {
  const RunState& state = view.last.state;
  screen.Line(fmt::format("resident {}, {} of it anonymous, peak {}", ToString(ResidentNow(view)),
                          ToString(AnonymousNow(view)), ToString(state.high_water)));
  screen.Line(RoomLine(view));
  const double some = state.pressure_some;
  std::string line = some < 0 ? "pressure unknown" : fmt::format("pressure {:.1f} %", some);
  if (view.host)
    line += fmt::format(", host {} free of {}", ToString(view.host->available),
                        ToString(view.host->total));
  screen.Line(line);
  screen.Line(fmt::format("limit {} ({})", ToString(state.limit), state.limit_origin));
  if (state.batch_size > 0) {
    screen.Line(fmt::format("batch {} as micro-batches of {}, imgsz {}, {} workers",
                            state.batch_size, state.micro_batch, state.imgsz, state.workers));
  }
  if (!state.note.empty()) screen.Line("note: " + state.note);
  const std::int64_t silent_s = (view.unix_ms - state.unix_ms) / 1000;
  if (view.fate == RunFate::kRunning && silent_s >= 5)
    screen.Line(fmt::format("no news for {} s", silent_s));
}

}  // namespace

std::string RenderScreen(const MonitorView& view, int width, ScreenStyle style) {
  Screen screen(width, style);
  const RunState& state = view.last.state;
  screen.Line(Title(view));
  const Bytes limit =
      state.limit == Bytes() || state.limit == Bytes::Max() ? state.budget : state.limit;
  AddPlace(screen, view, MemoryPlace::kHost, {"host", HeldNow(view), state.high_water}, limit);
  if (state.device_budget > Bytes() || state.device_used > Bytes()) {
    const Bytes whole = std::max(state.device_budget, state.device_used);
    AddPlace(screen, view, MemoryPlace::kDevice, {"device", state.device_used, state.device_used},
             whole);
  }
  AddConditions(screen, view);
  return screen.Take();
}

std::string RenderJson(const MonitorView& view) {
  using Json = nlohmann::ordered_json;
  const RunState& state = view.last.state;
  const auto rows = [&](MemoryPlace place) {
    Json json = Json::object();
    for (const Bar& bar : Consumers(view, place))
      json[bar.name] = {{"now", bar.now.count()}, {"peak", bar.peak.count()}};
    return json;
  };
  Json json;
  json["run"] = view.last.identity.run_folder;
  json["pid"] = view.last.identity.pid;
  json["fate"] = Name(view.fate);
  json["phase"] = Name(state.phase);
  json["epoch"] = state.epoch;
  json["epochs"] = state.epochs;
  json["batch"] = state.batch;
  json["batches"] = state.batches;
  json["batch_size"] = state.batch_size;
  json["micro_batch"] = state.micro_batch;
  json["workers"] = state.workers;
  json["images_per_s"] = state.images_per_s;
  json["updated_unix_ms"] = state.unix_ms;
  json["host"] = {
      {"held", HeldNow(view).count()},          {"rss", ResidentNow(view).count()},
      {"rss_anon", AnonymousNow(view).count()}, {"peak_rss", state.high_water.count()},
      {"budget", state.budget.count()},         {"limit", state.limit.count()},
      {"limit_origin", state.limit_origin},     {"limit_falls_per_s", state.limit_falls_per_s},
      {"consumers", rows(MemoryPlace::kHost)}};
  json["device"] = {{"used", state.device_used.count()},
                    {"budget", state.device_budget.count()},
                    {"consumers", rows(MemoryPlace::kDevice)}};
  const double some = state.pressure_some;
  json["pressure_some"] = some < 0 ? Json(nullptr) : Json(some);
  if (view.host) json["mem_available"] = view.host->available.count();
  if (!state.note.empty()) json["note"] = state.note;
  // A run folder's name may be any bytes.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace headroom
