// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/metric_curves_chart.h"

#include "headroom/core/check.h"
#include "headroom/plot/axis.h"
#include "headroom/plot/class_names.h"
#include "headroom/plot/legend.h"
#include "headroom/plot/line_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <span>

namespace headroom {
namespace {

constexpr double kWidth = 1125;
constexpr double kHeight = 750;
constexpr double kMargin = 18;
constexpr double kLegendWidth = 290;
constexpr std::size_t kMostNamedClasses = 20;
constexpr std::size_t kLowestShown = 5;

struct KindText {
  std::string_view file;
  const char* title;
  const char* x;
  const char* y;
};

const KindText& TextOf(CurveKind kind) {
  static constexpr std::array<KindText, 4> kTexts = {
      {{"BoxPR_curve.png", "Precision over recall (IoU 0.5)", "recall", "precision"},
       {"BoxP_curve.png", "Precision over confidence", "confidence", "precision"},
       {"BoxR_curve.png", "Recall over confidence", "confidence", "recall"},
       {"BoxF1_curve.png", "F1 over confidence", "confidence", "F1"}}};
  return kTexts[static_cast<std::size_t>(kind)];
}

std::span<const float> Curve(const MetricCurvesData& data, std::size_t index) {
  return std::span(data.values).subspan(index * data.points, data.points);
}

std::vector<double> MeanCurve(const MetricCurvesData& data) {
  std::vector<double> mean(data.points, 0.0);
  for (std::size_t i = 0; i < data.names.size(); ++i) {
    const std::span<const float> curve = Curve(data, i);
    for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += curve[k];
  }
  for (double& value : mean) value /= static_cast<double>(data.names.size());
  return mean;
}

// The average precision, or the mean height of the curve.
double AreaOf(const MetricCurvesData& data, std::size_t index) {
  if (data.kind == CurveKind::kPrecisionRecall && index < data.average_precision.size()) {
    return data.average_precision[index];
  }
  const std::span<const float> curve = Curve(data, index);
  return std::accumulate(curve.begin(), curve.end(), 0.0) / static_cast<double>(data.points);
}

std::size_t BestPoint(const MetricCurvesData& data) {
  const double position = std::clamp(data.best_confidence, 0.0, 1.0);
  return static_cast<std::size_t>(position * static_cast<double>(data.points - 1) + 0.5);
}

// As the legend shows it: average precision, or the height at the best confidence.
double Score(const MetricCurvesData& data, std::size_t index) {
  return data.kind == CurveKind::kPrecisionRecall ? AreaOf(data, index)
                                                  : Curve(data, index)[BestPoint(data)];
}

// The curves that get a colour and a name, in drawing order.
std::vector<std::size_t> NamedCurves(const MetricCurvesData& data) {
  std::vector<std::size_t> order(data.names.size());
  std::iota(order.begin(), order.end(), 0);
  if (order.size() <= kMostNamedClasses) return order;
  std::vector<double> areas;
  for (std::size_t i = 0; i < order.size(); ++i) areas.push_back(AreaOf(data, i));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return areas[a] < areas[b]; });
  order.resize(kLowestShown);
  return order;
}

std::string MeanText(const MetricCurvesData& data, const std::vector<double>& mean) {
  if (data.kind != CurveKind::kPrecisionRecall) {
    return fmt::format("all classes {:.2f} at {:.3f}", mean[BestPoint(data)], data.best_confidence);
  }
  double sum = 0;
  for (std::size_t i = 0; i < data.names.size(); ++i) sum += AreaOf(data, i);
  return fmt::format("all classes {:.3f} mAP50", sum / static_cast<double>(data.names.size()));
}

void DrawOperatingPoint(Canvas& canvas, const PlotArea& area, const MetricCurvesData& data,
                        const std::vector<double>& mean) {
  const double x = area.X(data.best_confidence);
  canvas.Line({x, area.inner().y}, {x, area.inner().bottom()},
              {kMuted, 1, Stroke::Pattern::kDashed});
  canvas.FillDisc({x, area.Y(mean[BestPoint(data)])}, 4.5, kAccent);
}

class Painter {
 public:
  Painter(Canvas& canvas, const MetricCurvesData& data)
      : canvas_(canvas),
        data_(data),
        area_(DrawAxes(
            canvas, {kMargin, kMargin, kWidth - kLegendWidth - 3 * kMargin, kHeight - 2 * kMargin},
            TextOf(data.kind).title, {.label = TextOf(data.kind).x},
            {.label = TextOf(data.kind).y, .high = 1.02})) {
    for (std::size_t k = 0; k < data.points; ++k) {
      x_.push_back(static_cast<double>(k) / static_cast<double>(data.points - 1));
    }
  }

  void Draw() {
    if (data_.names.empty()) {
      canvas_.Text(area_.inner().center(), "no labelled objects",
                   {.size = 14,
                    .color = kMuted,
                    .horizontal = HAlign::kCenter,
                    .vertical = VAlign::kMiddle});
      return;
    }
    const std::vector<std::size_t> named = NamedCurves(data_);
    const std::vector<double> mean = MeanCurve(data_);
    if (named.size() < data_.names.size()) {
      for (std::size_t i = 0; i < data_.names.size(); ++i) {
        DrawCurve(i, {kMuted.WithAlpha(0.35), 0.8});
      }
    }
    for (std::size_t i = 0; i < named.size(); ++i) DrawCurve(named[i], {ColorOf(i), 1.3});
    DrawSeries(canvas_, area_, x_, mean, {kAccent, 3});
    if (data_.kind != CurveKind::kPrecisionRecall) {
      DrawOperatingPoint(canvas_, area_, data_, mean);
    }
    DrawLegend(named, mean);
  }

 private:
  // The palette's first colour is the mean's.
  static Color ColorOf(std::size_t i) { return PaletteColor(i % 19 + 1); }

  void DrawCurve(std::size_t index, const Stroke& stroke) {
    const std::span<const float> curve = Curve(data_, index);
    const std::vector<double> y(curve.begin(), curve.end());
    DrawSeries(canvas_, area_, x_, y, stroke);
  }

  void DrawLegend(const std::vector<std::size_t>& named, const std::vector<double>& mean) {
    std::vector<LegendEntry> entries = {{MeanText(data_, mean), kAccent, LegendMark::kLine, kBold}};
    if (named.size() < data_.names.size()) {
      entries.push_back({fmt::format("each of {} classes", data_.names.size()), kMuted});
      entries.push_back({fmt::format("lowest {}:", named.size()), kInk, LegendMark::kNone});
    }
    for (std::size_t i = 0; i < named.size(); ++i) {
      const std::string name =
          canvas_.Elide(ClassLabel(data_.names, named[i]), {}, kLegendWidth - 70);
      entries.push_back({fmt::format("{} {:.3f}", name, Score(data_, named[i])), ColorOf(i)});
    }
    DrawLegendColumn(
        canvas_,
        {kWidth - kLegendWidth - kMargin, area_.inner().y, kLegendWidth, area_.inner().height},
        entries);
  }

  Canvas& canvas_;
  const MetricCurvesData& data_;
  PlotArea area_;
  std::vector<double> x_;
};

}  // namespace

std::string_view FileName(CurveKind kind) { return TextOf(kind).file; }

Figure MetricCurvesFigure(const MetricCurvesData& data) {
  HEADROOM_CHECK(data.names.empty() || data.points >= 2, "a curve has at least two points");
  HEADROOM_CHECK(data.values.size() == data.names.size() * data.points,
                 fmt::format("{} values for {} curves of {} points", data.values.size(),
                             data.names.size(), data.points));
  return {.width = kWidth,
          .height = kHeight,
          .title = TextOf(data.kind).title,
          .draw = [&data](Canvas& canvas) { Painter(canvas, data).Draw(); }};
}

}  // namespace headroom
