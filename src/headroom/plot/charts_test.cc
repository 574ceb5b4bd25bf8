// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/strings.h"
#include "headroom/plot/bar_chart.h"
#include "headroom/plot/confusion_chart.h"
#include "headroom/plot/labels_chart.h"
#include "headroom/plot/memory_chart.h"
#include "headroom/plot/metric_curves_chart.h"
#include "headroom/plot/raster_canvas.h"
#include "headroom/plot/results_chart.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>

namespace headroom {
namespace {

using ::testing::HasSubstr;
using testing::SharedFile;
using testing::TempDir;

// HEADROOM_PLOT_GALLERY=folder keeps the pictures, to be looked at.
class ChartsTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path File(const std::string& name) const {
    const char* gallery = std::getenv("HEADROOM_PLOT_GALLERY");
    return (gallery != nullptr ? std::filesystem::path(gallery) : dir_.path()) / name;
  }
  TempDir dir_;
};

int Count(const std::string& text, std::string_view part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<double>> rows;
};

Table ReadTable(const std::filesystem::path& path) {
  Table table;
  const std::string text = *ReadFile(path);
  for (const std::string_view line : Split(text, '\n')) {
    if (Trim(line).empty()) continue;
    const auto cells = Split(Trim(line), ',');
    if (table.columns.empty()) {
      table.columns.assign(cells.begin(), cells.end());
      continue;
    }
    auto& row = table.rows.emplace_back();
    for (const std::string_view cell : cells) {
      double value = std::nan("");
      static_cast<void>(ParseDouble(cell, &value));
      row.push_back(value);
    }
  }
  return table;
}

TEST_F(ChartsTest, ResultsOfAReferenceRunAreTwoRowsOfFivePanels) {
  HEADROOM_NEEDS_SHARED("reference-run/yolo11n-bccd/results.csv");
  const Table table = ReadTable(SharedFile("reference-run/yolo11n-bccd/results.csv"));
  const ResultsData data = ResultsFromTable(table.columns, table.rows);
  ASSERT_EQ(data.panels.size(), 10U);
  EXPECT_EQ(data.panels[0].name, "train/box_loss");
  EXPECT_EQ(data.panels[3].name, "metrics/precision(B)");
  EXPECT_EQ(data.panels[5].name, "val/box_loss");
  EXPECT_EQ(data.panels[9].name, "metrics/mAP50-95(B)");
  const Figure figure = ResultsFigure(data);
  EXPECT_GT(figure.width, 2 * figure.height);
  WritePng(File("results.png"), figure);
  EXPECT_EQ(Count(RenderSvg(figure), ">epoch</text>"), 10);
}

TEST_F(ChartsTest, ResultsOfOneEpochAndOfNoneAreDrawn) {
  const std::vector<std::string> columns = {"epoch", "train/box_loss", "val/box_loss"};
  const std::vector<std::vector<double>> rows = {{1, 0.5, std::nan("")}};
  const ResultsData one = ResultsFromTable(columns, rows);
  WritePng(File("results_one_epoch.png"), ResultsFigure(one));
  EXPECT_THAT(RenderSvg(ResultsFigure(one)), HasSubstr(">no values</text>"));
  const ResultsData none = ResultsFromTable(columns, {});
  EXPECT_EQ(Count(RenderSvg(ResultsFigure(none)), ">no values</text>"), 2);
}

std::vector<std::string> Names(std::size_t count) {
  std::vector<std::string> names = {
      "RBC", "кот и собака", "a very long class name that cannot fit", "Ζέβρα", "", "<b>&\"'"};
  while (names.size() < count) names.push_back("class number " + std::to_string(names.size()));
  names.resize(count);
  return names;
}

MetricCurvesData Curves(CurveKind kind, std::size_t classes) {
  MetricCurvesData data{.kind = kind, .names = Names(classes), .points = 1000};
  data.best_confidence = 0.42;
  for (std::size_t i = 0; i < classes; ++i) {
    const double skill = 0.3 + 0.65 * static_cast<double>((i * 37 + 11) % 97) / 97;
    for (std::size_t k = 0; k < data.points; ++k) {
      const double x = static_cast<double>(k) / 999;
      const double fall = std::pow(x, 1 / (1.02 - skill));
      const double rise = std::pow(x, 0.15);
      data.values.push_back(static_cast<float>(kind == CurveKind::kF1 ? skill * rise * (1 - fall)
                                                                      : skill * (1 - fall) + 0.05));
    }
    data.average_precision.push_back(skill);
  }
  return data;
}

TEST_F(ChartsTest, CurvesOfFewClassesNameEachAndTheMean) {
  for (const CurveKind kind :
       {CurveKind::kPrecisionRecall, CurveKind::kPrecision, CurveKind::kRecall, CurveKind::kF1}) {
    const MetricCurvesData data = Curves(kind, 6);
    const Figure figure = MetricCurvesFigure(data);
    WritePng(File(std::string(FileName(kind))), figure);
    const std::string svg = RenderSvg(figure);
    EXPECT_THAT(svg, HasSubstr(">RBC 0."));
    EXPECT_THAT(svg, HasSubstr(">all classes 0."));
    EXPECT_THAT(svg, HasSubstr(">&lt;b&gt;&amp;&quot;&#39; 0."));
    EXPECT_THAT(svg, HasSubstr(">4 0."));  // No name: its number.
  }
  EXPECT_EQ(FileName(CurveKind::kPrecisionRecall), "BoxPR_curve.png");
  EXPECT_EQ(FileName(CurveKind::kF1), "BoxF1_curve.png");
}

TEST_F(ChartsTest, CurvesOfManyClassesNameTheLowestFive) {
  const MetricCurvesData data = Curves(CurveKind::kF1, 95);
  const Figure figure = MetricCurvesFigure(data);
  WritePng(File("F1_95.png"), figure);
  const std::string svg = RenderSvg(figure);
  EXPECT_THAT(svg, HasSubstr(">each of 95 classes</text>"));
  EXPECT_THAT(svg, HasSubstr(">lowest 5:</text>"));
  EXPECT_LT(svg.size(), 400'000U);
}

TEST_F(ChartsTest, CurvesWithoutClassesSaySo) {
  const MetricCurvesData data;
  EXPECT_THAT(RenderSvg(MetricCurvesFigure(data)), HasSubstr(">no labelled objects</text>"));
}

TEST_F(ChartsTest, CurvesOfWrongSizeAreOurBug) {
  MetricCurvesData data = Curves(CurveKind::kF1, 2);
  data.values.pop_back();
  EXPECT_THROW(static_cast<void>(MetricCurvesFigure(data)), InternalError);
}

ConfusionData Confusion(std::size_t classes, ConfusionScale scale) {
  ConfusionData data{.names = Names(classes), .class_count = classes, .scale = scale};
  for (std::size_t row = 0; row <= classes; ++row) {
    for (std::size_t column = 0; column <= classes; ++column) {
      const bool hit = row == column && row < classes;
      const bool stray = (row * 7 + column * 13) % 11 == 0 || row == classes || column == classes;
      const double value = hit ? 0.83 : stray && row + column < 2 * classes ? 0.07 : 0;
      data.values.push_back(
          static_cast<float>(scale == ConfusionScale::kShares ? value : std::round(value * 1500)));
    }
  }
  return data;
}

TEST_F(ChartsTest, ConfusionShowsNumbersOfFewClassesAndNamesOfMany) {
  const ConfusionData few = Confusion(3, ConfusionScale::kCounts);
  WritePng(File("confusion_matrix.png"), ConfusionFigure(few));
  EXPECT_EQ(Count(RenderSvg(ConfusionFigure(few)), ">1245</text>"), 3);
  EXPECT_EQ(Count(RenderSvg(ConfusionFigure(few)), ">background</text>"), 2);
  const ConfusionData one = Confusion(1, ConfusionScale::kShares);
  WritePng(File("confusion_1.png"), ConfusionFigure(one));
  const ConfusionData twenty = Confusion(20, ConfusionScale::kShares);
  WritePng(File("confusion_20.png"), ConfusionFigure(twenty));
  const ConfusionData many = Confusion(95, ConfusionScale::kCounts);
  WritePng(File("confusion_95.png"), ConfusionFigure(many));
  EXPECT_EQ(Count(RenderSvg(ConfusionFigure(many)), ">class number 94</text>"), 2);
}

TEST_F(ChartsTest, ConfusionOfNothingIsDrawn) {
  const ConfusionData empty{.class_count = 2, .values = std::vector<float>(9, 0.0F)};
  EXPECT_EQ(Count(RenderSvg(ConfusionFigure(empty)), ">1</text>"), 2);
}

LabelStatistics Labels(std::size_t classes, int count) {
  LabelStatistics statistics(classes);
  for (int i = 0; i < count; ++i) {
    const auto spread = [i](int factor) { return static_cast<float>(i * factor % 1009) / 1009; };
    const float w = 0.05F + 0.3F * spread(71) * spread(113);
    const float h = 0.05F + 0.5F * spread(31) * spread(57);
    const auto id =
        static_cast<std::int32_t>(static_cast<double>(classes) * spread(7) * spread(19));
    statistics.Add(id, {w / 2 + (1 - w) * spread(17), h / 2 + (1 - h) * spread(29), w, h});
  }
  return statistics;
}

TEST_F(ChartsTest, LabelsAreDrawnForOneThreeAndNinetyFiveClasses) {
  for (const std::size_t classes : {1U, 3U, 95U, 400U}) {
    const LabelStatistics statistics = Labels(classes, 5000);
    const std::vector<std::string> names = Names(classes);
    const Figure figure = LabelsFigure(statistics, names);
    if (classes <= 3) {
      EXPECT_EQ(figure.width * kFileScale, 1600);
      EXPECT_EQ(figure.height * kFileScale, 1600);
    }
    WritePng(File("labels_" + std::to_string(classes) + ".png"), figure);
    WriteJpeg(File("labels_" + std::to_string(classes) + ".jpg"), figure);
  }
}

TEST_F(ChartsTest, LabelsOfARealSetAreDrawn) {
  HEADROOM_NEEDS_SHARED("data/bccd/labels/train");
  LabelStatistics statistics(3);
  for (const auto& entry :
       std::filesystem::directory_iterator(SharedFile("data/bccd/labels/train"))) {
    const std::string text = *ReadFile(entry.path());
    for (const std::string_view line : Split(text, '\n')) {
      std::array<double, 5> v{};
      const auto cells = Split(Trim(line), ' ');
      if (cells.size() != v.size()) continue;
      for (std::size_t i = 0; i < v.size(); ++i) ASSERT_TRUE(ParseDouble(cells[i], &v[i]));
      statistics.Add(static_cast<std::int32_t>(v[0]),
                     {static_cast<float>(v[1]), static_cast<float>(v[2]), static_cast<float>(v[3]),
                      static_cast<float>(v[4])});
    }
  }
  EXPECT_GT(statistics.class_counts()[0], statistics.class_counts()[1]);
  const std::vector<std::string> names = {"RBC", "WBC", "Platelets"};
  WritePng(File("labels_bccd.png"), LabelsFigure(statistics, names));
}

TEST(LabelStatisticsTest, SamplesStaySpreadOverAllLabels) {
  LabelStatistics statistics(1);
  for (int i = 0; i < 10'000; ++i) {
    statistics.Add(0, {static_cast<float>(i) / 10'000, 0.5F, 0.1F, 0.1F});
  }
  EXPECT_EQ(statistics.class_counts()[0], 10'000U);
  ASSERT_GT(statistics.samples().size(), LabelStatistics::kMostSamples / 2 - 1);
  ASSERT_LE(statistics.samples().size(), LabelStatistics::kMostSamples);
  const auto late = std::count_if(statistics.samples().begin(), statistics.samples().end(),
                                  [](const auto& sample) { return sample.box.x > 0.5F; });
  EXPECT_NEAR(static_cast<double>(late), static_cast<double>(statistics.samples().size()) / 2, 2);
  EXPECT_THROW(statistics.Add(1, {}), InternalError);
}

TEST(BarChartTest, BarsAreAsLongAsTheirValues) {
  RasterCanvas canvas(300, 100, 1);
  const std::vector<Bar> bars = {{"a", 100, Rgb(0xFF0000)}, {"b", 50, Rgb(0x00FF00)}};
  DrawBars(canvas, {0, 0, 300, 100}, "", bars);
  int red = 0;
  int green = 0;
  const ImageView pixels = canvas.Pixels();
  for (int y = 0; y < pixels.height; ++y) {
    int red_here = 0;
    int green_here = 0;
    for (int x = 0; x < pixels.width; ++x) {
      const std::uint8_t* pixel = pixels.Row(y) + 4 * x;
      red_here += pixel[2] == 255 && pixel[1] == 0 ? 1 : 0;
      green_here += pixel[2] == 0 && pixel[1] == 255 ? 1 : 0;
    }
    red = std::max(red, red_here);
    green = std::max(green, green_here);
  }
  EXPECT_GT(red, 200);
  EXPECT_NEAR(green * 2, red, 3);
}

MemoryTimeline Timeline(int samples) {
  MemoryTimeline timeline;
  timeline.host.title = "Host memory";
  timeline.host.consumers = {{"weights", {}},     {"activations", {}}, {"image cache", {}},
                             {"mosaic pool", {}}, {"batches", {}},     {"decode", {}},
                             {"labels", {}},      {"optimizer", {}},   {"gradients", {}},
                             {"runtime", {}},     {"plots", {}},       {"loss", {}}};
  constexpr double kMib = 1 << 20;
  for (int i = 0; i < samples; ++i) {
    const double t = static_cast<double>(i);
    timeline.seconds.push_back(t);
    double sum = 0;
    for (std::size_t k = 0; k < timeline.host.consumers.size(); ++k) {
      const double wave = 1 + 0.3 * std::sin(t / 9 + static_cast<double>(k));
      const double size =
          k == 1 ? (t > samples * 0.6 ? 450 : 800) : 180 / (1.0 + static_cast<double>(k));
      timeline.host.consumers[k].bytes.push_back(size * wave * kMib);
      sum += size * wave * kMib;
    }
    timeline.host.held.push_back(sum * 1.08);
    timeline.host.limit.push_back((t > samples * 0.55 ? 1500 : 2000) * kMib);
  }
  const double end = samples;
  timeline.phases = {{0, 0.03 * end, "setup"},
                     {0.03 * end, 0.4 * end, "train"},
                     {0.4 * end, 0.5 * end, "validation"},
                     {0.5 * end, 0.9 * end, "train"},
                     {0.9 * end, end, "validation"}};
  timeline.adaptations = {
      {0.55 * end, "image cache 512 MiB -> 64 MiB: another program took 500 MiB"},
      {0.6 * end, "micro-batch 16 -> 8: the limit fell to 1.46 GiB"},
      {0.605 * end, "workers 4 -> 2"}};
  return timeline;
}

TEST_F(ChartsTest, MemoryIsStackedUnderItsLimitWithPhasesAndAdaptations) {
  MemoryTimeline timeline = Timeline(400);
  const Figure host = MemoryFigure(timeline);
  WritePng(File("memory.png"), host);
  const std::string svg = RenderSvg(host);
  EXPECT_THAT(svg, HasSubstr(">validation</text>"));
  EXPECT_THAT(svg, HasSubstr("micro-batch 16 -&gt; 8"));
  EXPECT_THAT(svg, HasSubstr(">limit 1.46 GiB</text>"));
  EXPECT_THAT(svg, HasSubstr(">3 smaller "));
  EXPECT_THAT(svg, HasSubstr(">not accounted "));
  timeline.device = timeline.host;
  timeline.device->title = "Device memory";
  const Figure both = MemoryFigure(timeline);
  WritePng(File("memory_device.png"), both);
  EXPECT_GT(both.height, 1.6 * host.height);
}

TEST_F(ChartsTest, MemoryOfALongRunKeepsItsPeaks) {
  MemoryTimeline timeline = Timeline(50'000);
  timeline.host.held[30'001] = 7.77 * (1 << 30);
  const Figure figure = MemoryFigure(timeline);
  const std::string svg = RenderSvg(figure);
  EXPECT_THAT(svg, HasSubstr(">peak 7.77 GiB</text>"));
  EXPECT_LT(svg.size(), 300'000U);
  WritePng(File("memory_long.png"), figure);
}

TEST_F(ChartsTest, MemoryOfNoTimeIsDrawn) {
  const MemoryTimeline timeline;
  EXPECT_THAT(RenderSvg(MemoryFigure(timeline)), HasSubstr(">peak 0 B</text>"));
}

}  // namespace
}  // namespace headroom
