// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/confusion_chart.h"

#include "headroom/core/check.h"
#include "headroom/plot/axis.h"
#include "headroom/plot/class_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

constexpr double kWidth = 1500;
constexpr double kHeight = 1125;
constexpr double kMargin = 20;
constexpr double kTitleSize = 20;
constexpr double kAxisLabelSize = 16;
constexpr double kMostLabelWidth = 220;
constexpr double kColorBarWidth = 22;
constexpr double kColorBarSpace = 90;
constexpr double kSmallestNumber = 5.5;
constexpr int kColorBarSteps = 64;

std::string LabelOf(const ConfusionData& data, std::size_t id) {
  return id == data.class_count ? "background" : ClassLabel(data.names, id);
}

const char* TitleOf(const ConfusionData& data) {
  return data.scale == ConfusionScale::kCounts ? "Confusion matrix"
                                               : "Confusion matrix, shares of each true class";
}

class Painter {
 public:
  Painter(Canvas& canvas, const ConfusionData& data)
      : canvas_(canvas), data_(data), side_(data.class_count + 1) {
    for (const float value : data.values) highest_ = std::max(highest_, double{value});
    if (data.scale == ConfusionScale::kShares || highest_ <= 0) highest_ = 1;
    Layout();
  }

  void Draw() {
    DrawCells();
    DrawNames();
    DrawTitles();
    DrawColorBar();
  }

 private:
  void Layout() {
    // The names take what they need, up to a limit; the cells' size decides the letters' size.
    const double rough_cell = (kHeight - 200) / static_cast<double>(side_);
    names_.size = std::clamp(rough_cell * 0.8, 6.5, 16.0);
    double widest = 0;
    for (std::size_t i = 0; i < side_; ++i) {
      widest = std::max(widest, canvas_.TextWidth(LabelOf(data_, i), names_));
    }
    label_width_ = std::min(widest, kMostLabelWidth);
    const double left = kMargin + kAxisLabelSize + label_width_ + 16;
    const double top = kMargin + kTitleSize + 16;
    matrix_ = {left, top, kWidth - left - kColorBarSpace - kMargin, 0};
    cell_width_ = matrix_.width / static_cast<double>(side_);
    turned_names_ = label_width_ > 0.95 * cell_width_;
    const double names_height = turned_names_ ? label_width_ : names_.size;
    const double bottom = kMargin + kAxisLabelSize + names_height + 16;
    matrix_.height = kHeight - top - bottom;
    cell_height_ = matrix_.height / static_cast<double>(side_);
  }

  [[nodiscard]] double Shade(double value) const {
    const double share = value / highest_;
    return data_.scale == ConfusionScale::kCounts ? std::sqrt(share) : share;
  }

  [[nodiscard]] std::string NumberText(double value) const {
    return data_.scale == ConfusionScale::kCounts ? fmt::format("{:.0f}", value)
                                                  : fmt::format("{:.2f}", value);
  }

  [[nodiscard]] double CenterX(std::size_t column) const {
    return matrix_.x + (static_cast<double>(column) + 0.5) * cell_width_;
  }
  [[nodiscard]] double CenterY(std::size_t row) const {
    return matrix_.y + (static_cast<double>(row) + 0.5) * cell_height_;
  }

  void DrawCells() {
    canvas_.FillRect(matrix_, kPaper);
    const std::string longest = NumberText(highest_);
    const double by_width = cell_width_ * 0.9 / (0.64 * static_cast<double>(longest.size()));
    const double size = std::min({cell_height_ * 0.5, by_width, 22.0});
    for (std::size_t row = 0; row < side_; ++row) {
      for (std::size_t column = 0; column < side_; ++column) {
        const double value = data_.values[row * side_ + column];
        if (!(value > 0)) continue;
        const Color fill = SequentialColor(0.06 + 0.94 * Shade(value));
        canvas_.FillRect({CenterX(column) - cell_width_ / 2, CenterY(row) - cell_height_ / 2,
                          cell_width_, cell_height_},
                         fill);
        if (size < kSmallestNumber) continue;
        canvas_.Text({CenterX(column), CenterY(row)}, NumberText(value),
                     {.size = size,
                      .color = ReadableOn(fill),
                      .horizontal = HAlign::kCenter,
                      .vertical = VAlign::kMiddle});
      }
    }
    DrawLattice();
    canvas_.StrokeRect(matrix_, {kMuted, 1});
  }

  // Between all cells, or where there are many, between every ten, so that the eye can count.
  void DrawLattice() {
    const std::size_t step = side_ <= 31 ? 1 : 10;
    const Stroke stroke{kGrid, 0.8};
    for (std::size_t i = step; i < side_; i += step) {
      const double x = CenterX(i) - cell_width_ / 2;
      const double y = CenterY(i) - cell_height_ / 2;
      canvas_.Line({x, matrix_.y}, {x, matrix_.bottom()}, stroke);
      canvas_.Line({matrix_.x, y}, {matrix_.right(), y}, stroke);
    }
  }

  void DrawNames() {
    // Names that would overlap are left out, evenly.
    const auto every = static_cast<std::size_t>(
        std::ceil(names_.size * 1.02 / std::min(cell_width_, cell_height_)));
    for (std::size_t i = 0; i < side_; i += every) {
      const std::string name = canvas_.Elide(LabelOf(data_, i), names_, label_width_);
      TextStyle style = names_;
      style.vertical = VAlign::kMiddle;
      style.horizontal = HAlign::kRight;
      canvas_.Text({matrix_.x - 7, CenterY(i)}, name, style);
      if (turned_names_) {
        style.turn = Turn::kLeft;
      } else {
        style.horizontal = HAlign::kCenter;
        style.vertical = VAlign::kTop;
      }
      canvas_.Text({CenterX(i), matrix_.bottom() + 7}, name, style);
    }
  }

  void DrawTitles() {
    canvas_.Text({matrix_.center().x, kMargin}, TitleOf(data_),
                 {.size = kTitleSize,
                  .weight = kBold,
                  .horizontal = HAlign::kCenter,
                  .vertical = VAlign::kTop});
    const TextStyle style{.size = kAxisLabelSize, .weight = kBold, .horizontal = HAlign::kCenter};
    canvas_.Text({matrix_.center().x, kHeight - kMargin}, "true", style);
    TextStyle turned = style;
    turned.turn = Turn::kLeft;
    canvas_.Text({kMargin + kAxisLabelSize / 2, matrix_.center().y}, "predicted", turned);
  }

  void DrawColorBar() {
    const double x = matrix_.right() + 20;
    const double step = matrix_.height / kColorBarSteps;
    // From the top, each down to the bottom: no seam shows between two steps.
    for (int i = kColorBarSteps; i > 0; --i) {
      canvas_.FillRect({x, matrix_.bottom() - i * step, kColorBarWidth, i * step},
                       SequentialColor(0.06 + 0.94 * (i - 0.5) / kColorBarSteps));
    }
    canvas_.StrokeRect({x, matrix_.y, kColorBarWidth, matrix_.height}, {kMuted, 0.8});
    for (const Tick& tick : MakeTicks({.label = "", .low = 0, .high = highest_}, 6)) {
      canvas_.Text({x + kColorBarWidth + 6, matrix_.bottom() - Shade(tick.value) * matrix_.height},
                   tick.text, {.size = 11, .color = kMuted, .vertical = VAlign::kMiddle});
    }
  }

  Canvas& canvas_;
  const ConfusionData& data_;
  std::size_t side_;
  double highest_ = 0;
  TextStyle names_;
  double label_width_ = 0;
  bool turned_names_ = false;
  Rect matrix_;
  double cell_width_ = 0;
  double cell_height_ = 0;
};

}  // namespace

Figure ConfusionFigure(const ConfusionData& data) {
  HEADROOM_CHECK(data.values.size() == (data.class_count + 1) * (data.class_count + 1),
                 fmt::format("{} values for {} classes", data.values.size(), data.class_count));
  return {
      .width = kWidth, .height = kHeight, .title = TitleOf(data), .draw = [&data](Canvas& canvas) {
        Painter(canvas, data).Draw();
      }};
}

}  // namespace headroom
