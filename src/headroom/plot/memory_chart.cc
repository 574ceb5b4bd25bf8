// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/memory_chart.h"

#include "headroom/core/check.h"
#include "headroom/plot/axis.h"
#include "headroom/plot/legend.h"
#include "headroom/plot/line_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace headroom {
namespace {

constexpr double kWidth = 1125;
constexpr double kMargin = 18;
constexpr double kPanelHeight = 400;
constexpr double kLegendWidth = 200;
constexpr double kPhaseStrip = 18;
constexpr double kStripAlpha = 0.3;
constexpr double kNoteHeight = 17;
constexpr double kClockColumn = 24;  // Of the notes, from the margin.
constexpr double kTextColumn = 90;
constexpr std::size_t kMostNotes = 12;
constexpr std::size_t kMostConsumers = 9;
constexpr std::size_t kMostSamples = 800;

double At(const std::vector<double>& values, std::size_t i) {
  return i < values.size() && std::isfinite(values[i]) ? values[i] : 0;
}

// A panel reduced to what can be seen.
struct Stack {
  std::vector<double> seconds;
  std::vector<MemoryConsumer> layers;  // From the bottom.
  std::vector<double> total;
  std::vector<double> limit;
};

double Sum(const MemoryPanel& panel, std::size_t i) {
  double sum = 0;
  for (const MemoryConsumer& consumer : panel.consumers) sum += At(consumer.bytes, i);
  return std::max(sum, At(panel.held, i));
}

// Of every run of samples that share a column of pixels, the one that held most: peaks are what
// the picture is for.
std::vector<std::size_t> VisibleSamples(const MemoryPanel& panel, std::size_t count) {
  std::vector<std::size_t> kept;
  const std::size_t run = (count + kMostSamples - 1) / kMostSamples;
  for (std::size_t begin = 0; begin < count; begin += run) {
    std::size_t best = begin;
    for (std::size_t i = begin; i < std::min(count, begin + run); ++i) {
      if (Sum(panel, i) > Sum(panel, best)) best = i;
    }
    kept.push_back(best);
  }
  return kept;
}

double Peak(const MemoryConsumer& consumer) {
  double peak = 0;
  for (std::size_t i = 0; i < consumer.bytes.size(); ++i)
    peak = std::max(peak, At(consumer.bytes, i));
  return peak;
}

// The largest consumers by peak; the others become one layer.
std::vector<MemoryConsumer> Layers(const MemoryPanel& panel,
                                   const std::vector<std::size_t>& samples) {
  std::vector<const MemoryConsumer*> order;
  for (const MemoryConsumer& consumer : panel.consumers) {
    if (Peak(consumer) > 0) order.push_back(&consumer);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return Peak(*a) > Peak(*b); });
  std::vector<MemoryConsumer> layers;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const bool last_is_rest = order.size() > kMostConsumers;
    if (k < kMostConsumers || !last_is_rest) {
      layers.push_back({order[k]->name, std::vector<double>(samples.size(), 0.0)});
    } else if (k == kMostConsumers) {
      layers.push_back({fmt::format("{} smaller", order.size() - kMostConsumers),
                        std::vector<double>(samples.size(), 0.0)});
    }
    for (std::size_t i = 0; i < samples.size(); ++i) {
      layers.back().bytes[i] += At(order[k]->bytes, samples[i]);
    }
  }
  return layers;
}

Stack MakeStack(const std::vector<double>& seconds, const MemoryPanel& panel) {
  const std::vector<std::size_t> samples = VisibleSamples(panel, seconds.size());
  Stack stack;
  stack.layers = Layers(panel, samples);
  MemoryConsumer rest{"not accounted", {}};
  for (const std::size_t i : samples) {
    stack.seconds.push_back(seconds[i]);
    stack.total.push_back(Sum(panel, i));
    if (!panel.limit.empty()) stack.limit.push_back(At(panel.limit, i));
    double known = 0;
    for (const MemoryConsumer& consumer : panel.consumers) known += At(consumer.bytes, i);
    rest.bytes.push_back(stack.total.back() - known);
  }
  if (!panel.held.empty() && Peak(rest) > 0) stack.layers.push_back(std::move(rest));
  return stack;
}

Color LayerColor(const Stack& stack, std::size_t layer) {
  if (stack.layers[layer].name == "not accounted") return Rgb(0xA9B0B8);
  return PaletteColor(layer);
}

Axis BytesAxis(const Stack& stack) {
  double highest = 0;
  for (const double value : stack.total) highest = std::max(highest, value);
  double limit = 0;
  for (const double value : stack.limit) limit = std::max(limit, value);
  // A limit far above would press the use to the bottom; it is then told in the legend.
  if (limit <= 4 * highest) highest = std::max(highest, limit);
  return {
      .label = "", .low = 0, .high = highest > 0 ? highest * 1.06 : 1, .unit = TickUnit::kBytes};
}

Axis TimeAxis(const std::vector<double>& seconds) {
  Axis axis{.label = "time", .low = 0, .high = 1, .unit = TickUnit::kSeconds};
  if (!seconds.empty()) axis.high = std::max(seconds.back(), 1.0);
  return axis;
}

std::string BytesText(double bytes) {
  return ToString(Bytes(static_cast<std::uint64_t>(std::max(bytes, 0.0))));
}

void DrawLayers(Canvas& canvas, const PlotArea& area, const Stack& stack) {
  std::vector<double> base(stack.seconds.size(), 0.0);
  for (std::size_t k = 0; k < stack.layers.size(); ++k) {
    std::vector<Point> outline;
    for (std::size_t i = base.size(); i-- > 0;)
      outline.push_back(area.At(stack.seconds[i], base[i]));
    for (std::size_t i = 0; i < base.size(); ++i) {
      base[i] += stack.layers[k].bytes[i];
      outline.push_back(area.At(stack.seconds[i], base[i]));
    }
    canvas.FillPolygon(outline, LayerColor(stack, k).WithAlpha(0.85));
  }
  DrawSeries(canvas, area, stack.seconds, stack.total, {kInk, 1.2});
}

// A colour for each name, in the order in which they come.
std::map<std::string, Color> PhaseColors(const MemoryTimeline& timeline) {
  std::map<std::string, Color> colors;
  for (const MemoryTimeline::Phase& phase : timeline.phases)
    colors.emplace(phase.name, PaletteColor(colors.size() + 4));
  return colors;
}

// Returns an entry for each phase whose name has no room above any of its strips.
std::vector<LegendEntry> DrawPhases(Canvas& canvas, const PlotArea& area,
                                    const MemoryTimeline& timeline) {
  std::map<std::string, Color> unnamed = PhaseColors(timeline);
  const std::map<std::string, Color> colors = unnamed;
  const TextStyle style{
      .size = 10, .color = kMuted, .horizontal = HAlign::kCenter, .vertical = VAlign::kMiddle};
  const Rect& inner = area.inner();
  for (const MemoryTimeline::Phase& phase : timeline.phases) {
    const double begin = std::clamp(area.X(phase.begin_s), inner.x, inner.right());
    const double end = std::clamp(area.X(phase.end_s), inner.x, inner.right());
    const Color color = colors.at(phase.name);
    canvas.FillRect({begin, inner.y, end - begin, inner.height}, color.WithAlpha(0.07));
    canvas.FillRect({begin, inner.y - kPhaseStrip, end - begin, kPhaseStrip - 3},
                    color.WithAlpha(kStripAlpha));
    if (canvas.TextWidth(phase.name, style) + 4 > end - begin) continue;
    canvas.Text({(begin + end) / 2, inner.y - kPhaseStrip / 2 - 1.5}, phase.name, style);
    unnamed.erase(phase.name);
  }
  std::vector<LegendEntry> entries;
  for (const auto& [name, color] : unnamed)
    entries.push_back({"phase: " + name, color.WithAlpha(kStripAlpha), LegendMark::kSquare});
  return entries;
}

void DrawAdaptationMarks(Canvas& canvas, const PlotArea& area, const MemoryTimeline& timeline) {
  for (const MemoryTimeline::Adaptation& adaptation : timeline.adaptations) {
    const double x = std::clamp(area.X(adaptation.second), area.inner().x, area.inner().right());
    canvas.Line({x, area.inner().y}, {x, area.inner().bottom()},
                {kInk, 1, Stroke::Pattern::kDashed});
  }
  double last_x = -1e9;
  double y = area.inner().y + 9;
  for (std::size_t i = 0; i < timeline.adaptations.size(); ++i) {
    const double x =
        std::clamp(area.X(timeline.adaptations[i].second), area.inner().x, area.inner().right());
    // Marks close together step downwards.
    y = x - last_x < 20 ? y + 18 : area.inner().y + 9;
    last_x = x;
    canvas.FillDisc({x, y}, 8, kAlarm);
    canvas.Text({x, y}, std::to_string(i + 1),
                {.size = 10,
                 .color = Rgb(0xFFFFFF),
                 .weight = kBold,
                 .horizontal = HAlign::kCenter,
                 .vertical = VAlign::kMiddle});
  }
}

std::vector<LegendEntry> LegendOf(const Stack& stack) {
  std::vector<LegendEntry> entries;
  if (!stack.limit.empty()) {
    entries.push_back(
        {fmt::format("limit {}", BytesText(stack.limit.back())), kAlarm, LegendMark::kLine, kBold});
  }
  double peak = 0;
  for (const double value : stack.total) peak = std::max(peak, value);
  entries.push_back({fmt::format("peak {}", BytesText(peak)), kInk, LegendMark::kLine, kBold});
  // As stacked: the top one first.
  for (std::size_t k = stack.layers.size(); k-- > 0;) {
    entries.push_back({fmt::format("{} {}", stack.layers[k].name, BytesText(Peak(stack.layers[k]))),
                       LayerColor(stack, k), LegendMark::kSquare});
  }
  return entries;
}

void DrawPanel(Canvas& canvas, const Rect& rect, const MemoryTimeline& timeline,
               const MemoryPanel& panel) {
  const Stack stack = MakeStack(timeline.seconds, panel);
  const Axis time = TimeAxis(timeline.seconds);
  Rect axes = rect;
  axes.width -= kLegendWidth + kMargin;
  canvas.Text({rect.x, rect.y + 2}, panel.title,
              {.size = 13, .weight = kBold, .vertical = VAlign::kTop});
  axes.y += 20 + kPhaseStrip;
  axes.height -= 20 + kPhaseStrip;
  const PlotArea area = DrawAxes(canvas, axes, "", time, BytesAxis(stack));
  std::vector<LegendEntry> legend = LegendOf(stack);
  if (!stack.seconds.empty()) {
    const std::vector<LegendEntry> phases = DrawPhases(canvas, area, timeline);
    legend.insert(legend.end(), phases.begin(), phases.end());
    {
      const ClipScope clip(canvas, area.inner());
      DrawLayers(canvas, area, stack);
      if (!stack.limit.empty()) {
        DrawSeries(canvas, area, stack.seconds, stack.limit, {kAlarm, 2});
      }
    }
    DrawAdaptationMarks(canvas, area, timeline);
  }
  DrawLegendColumn(canvas,
                   {rect.right() - kLegendWidth, area.inner().y, kLegendWidth, area.inner().height},
                   legend);
}

std::size_t NoteRows(const MemoryTimeline& timeline) {
  const std::size_t notes = timeline.adaptations.size();
  return notes <= kMostNotes ? notes : kMostNotes + 1;
}

std::string ClockText(double seconds) {
  const auto whole = static_cast<long>(std::max(seconds, 0.0));
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

void DrawNotes(Canvas& canvas, double top, const MemoryTimeline& timeline) {
  const TextStyle style{.size = 11, .vertical = VAlign::kMiddle};
  double y = top + kNoteHeight / 2;
  const std::size_t shown = std::min(timeline.adaptations.size(), kMostNotes);
  for (std::size_t i = 0; i < shown; ++i, y += kNoteHeight) {
    const MemoryTimeline::Adaptation& adaptation = timeline.adaptations[i];
    canvas.Text({kMargin, y}, std::to_string(i + 1), style);
    canvas.Text({kMargin + kClockColumn, y}, ClockText(adaptation.second), style);
    canvas.Text({kMargin + kTextColumn, y},
                canvas.Elide(adaptation.text, style, kWidth - 2 * kMargin - kTextColumn), style);
  }
  if (shown < timeline.adaptations.size()) {
    canvas.Text({kMargin, y}, fmt::format("{} more", timeline.adaptations.size() - shown), style);
  }
}

void CheckSizes(const MemoryTimeline& timeline, const MemoryPanel& panel) {
  for (const MemoryConsumer& consumer : panel.consumers) {
    HEADROOM_CHECK(consumer.bytes.size() == timeline.seconds.size(),
                   fmt::format("{}: {} values for {} seconds", consumer.name, consumer.bytes.size(),
                               timeline.seconds.size()));
  }
}

}  // namespace

Figure MemoryFigure(const MemoryTimeline& timeline) {
  CheckSizes(timeline, timeline.host);
  if (timeline.device) CheckSizes(timeline, *timeline.device);
  const double panels = timeline.device ? 2 : 1;
  const double notes_top = kMargin + panels * (kPanelHeight + kMargin);
  const double notes = static_cast<double>(NoteRows(timeline)) * kNoteHeight;
  return {.width = kWidth,
          .height = notes_top + (notes > 0 ? notes + kMargin : 0),
          .title = "Memory over the run",
          .draw = [&timeline, notes_top](Canvas& canvas) {
            Rect rect{kMargin, kMargin, kWidth - 2 * kMargin, kPanelHeight};
            DrawPanel(canvas, rect, timeline, timeline.host);
            rect.y += kPanelHeight + kMargin;
            if (timeline.device) DrawPanel(canvas, rect, timeline, *timeline.device);
            DrawNotes(canvas, notes_top, timeline);
          }};
}

}  // namespace headroom
