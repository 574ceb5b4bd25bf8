// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/plot/axis.h"
#include "headroom/plot/figure.h"
#include "headroom/plot/legend.h"
#include "headroom/plot/line_series.h"
#include "headroom/plot/raster_canvas.h"
#include "headroom/plot/svg_canvas.h"
#include "headroom/plot/text.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <regex>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TempDir;

std::uint32_t PixelAt(RasterCanvas& canvas, int x, int y) {
  const std::uint8_t* pixel = canvas.Pixels().Row(y) + 4 * x;
  return (std::uint32_t{pixel[2]} << 16) | (std::uint32_t{pixel[1]} << 8) | pixel[0];
}

int InkedPixels(RasterCanvas& canvas) {
  int count = 0;
  const ImageView pixels = canvas.Pixels();
  for (int y = 0; y < pixels.height; ++y) {
    for (int x = 0; x < pixels.width; ++x) count += PixelAt(canvas, x, y) != 0xFFFFFF ? 1 : 0;
  }
  return count;
}

TEST(RasterCanvasTest, ScalesUnitsToPixels) {
  RasterCanvas canvas(10, 20, 2);
  EXPECT_EQ(canvas.Pixels().size(), (ImageSize{40, 20}));
  canvas.FillRect({2, 3, 4, 5}, Rgb(0x123456));
  EXPECT_EQ(PixelAt(canvas, 4, 6), 0x123456U);
  EXPECT_EQ(PixelAt(canvas, 11, 15), 0x123456U);
  EXPECT_EQ(PixelAt(canvas, 12, 15), 0xFFFFFFU);
  EXPECT_EQ(PixelAt(canvas, 3, 6), 0xFFFFFFU);
}

TEST(RasterCanvasTest, ClipsNestAndEnd) {
  RasterCanvas canvas(10, 10, 1);
  {
    const ClipScope outer(canvas, {0, 0, 5, 10});
    const ClipScope inner(canvas, {0, 0, 10, 5});
    canvas.FillRect({0, 0, 10, 10}, Rgb(0));
  }
  EXPECT_EQ(InkedPixels(canvas), 25);
  canvas.FillRect({0, 0, 10, 10}, Rgb(0));
  EXPECT_EQ(InkedPixels(canvas), 100);
}

TEST(RasterCanvasTest, DrawsImagesInTheirColourOrder) {
  const std::array<std::uint8_t, 3> pixel = {0x10, 0x20, 0x30};
  const ImageView image = PackedView(pixel.data(), {1, 1});
  RasterCanvas canvas(4, 4, 1);
  canvas.DrawImage(image, ColorOrder::kRgb, {0, 0, 2, 4});
  canvas.DrawImage(image, ColorOrder::kBgr, {2, 0, 2, 4});
  EXPECT_EQ(PixelAt(canvas, 1, 1), 0x102030U);
  EXPECT_EQ(PixelAt(canvas, 2, 3), 0x302010U);
}

TEST(RasterCanvasTest, DrawsWithoutHarmFromBrokenText) {
  RasterCanvas canvas(100, 30, 1);
  canvas.Text({2, 20}, "\xFF\xC3 a\nb", {});
  EXPECT_GT(InkedPixels(canvas), 20);
  // An error would make Cairo ignore everything that follows.
  canvas.FillRect({0, 0, 100, 30}, Rgb(0));
  EXPECT_EQ(InkedPixels(canvas), 3000);
}

TEST(RasterCanvasTest, DrawsLettersThatTheFirstFontLacks) {
  RasterCanvas canvas(100, 30, 1);
  // Found in another installed font, or else drawn as a box.
  const std::string text = "中文a";
  EXPECT_NEAR(canvas.TextWidth(text, {}), canvas.TextWidth("中文", {}) + canvas.TextWidth("a", {}),
              0.01);
  canvas.Text({2, 20}, "中", {});
  EXPECT_GT(InkedPixels(canvas), 5);
}

TEST(RasterCanvasTest, OrdersRightToLeftScripts) {
  RasterCanvas word(60, 30, 1);
  word.Text({2, 20}, "שו", {.size = 20});
  RasterCanvas letters(60, 30, 1);
  letters.Text({2, 20}, "ו", {.size = 20});
  letters.Text({2 + letters.TextWidth("ו", {.size = 20}), 20}, "ש", {.size = 20});
  std::int64_t difference = 0;
  for (int x = 0; x < 60; ++x) {
    for (int y = 0; y < 30; ++y) {
      const int a = static_cast<int>(PixelAt(word, x, y) & 0xFFU);
      difference += std::abs(a - static_cast<int>(PixelAt(letters, x, y) & 0xFFU));
    }
  }
  EXPECT_GT(InkedPixels(word), 50);
  EXPECT_LT(difference, 255);  // Letters may sit at another fraction of a pixel.
}

TEST(RasterCanvasTest, JoinsTheLettersOfJoinedScripts) {
  RasterCanvas canvas(10, 10, 1);
  double apart = 0;
  for (const char* letter : {"ب", "ب", "ب"}) apart += canvas.TextWidth(letter, {});
  EXPECT_LT(canvas.TextWidth("ببب", {}), 0.8 * apart);
}

TEST(RasterCanvasTest, WritesPngAndJpegAndNothingIntoAMissingFolder) {
  const TempDir dir;
  RasterCanvas canvas(30, 20, 2);
  canvas.WritePng(dir.path() / "a.png");
  canvas.WriteJpeg(dir.path() / "a.jpg");
  EXPECT_THAT(*ReadFile(dir.path() / "a.png"), ::testing::StartsWith("\x89PNG"));
  EXPECT_THAT(*ReadFile(dir.path() / "a.jpg"), ::testing::StartsWith("\xFF\xD8\xFF"));
  EXPECT_THROW(canvas.WritePng(dir.path() / "none" / "a.png"), WriteError);
}

TEST(CanvasTest, MeasuresWhatItDraws) {
  RasterCanvas canvas(200, 40, 1);
  const TextStyle style{.size = 20};
  const double width = canvas.TextWidth("HHHH", style);
  canvas.Text({100, 20}, "HHHH", {.size = 20, .horizontal = HAlign::kCenter});
  int first = 200;
  int last = 0;
  for (int x = 0; x < 200; ++x) {
    for (int y = 0; y < 40; ++y) {
      if (PixelAt(canvas, x, y) == 0xFFFFFF) continue;
      first = std::min(first, x);
      last = std::max(last, x);
    }
  }
  EXPECT_NEAR(last - first, width, 5);
  EXPECT_NEAR((last + first) / 2.0, 100, 1.5);
}

TEST(CanvasTest, ElidesToTheWidthAtWholeLetters) {
  SvgCanvas canvas(100, 100, "");
  const TextStyle style{.size = 10};
  EXPECT_EQ(canvas.Elide("short", style, 100), "short");
  const std::string cut = canvas.Elide("кириллица и ещё слова", style, 60);
  EXPECT_THAT(cut, ::testing::EndsWith("…"));
  EXPECT_EQ(CleanText(cut), cut);
  EXPECT_LE(canvas.TextWidth(cut, style), 60);
  EXPECT_GT(canvas.TextWidth(cut, style), 45);
}

TEST(TextTest, KeepsValidUtf8AndReplacesTheRest) {
  EXPECT_EQ(CleanText("é中😀"), "é中😀");
  EXPECT_EQ(CleanText("a\tb\x7F"), "a b ");
  EXPECT_EQ(CleanText("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");                    // Overlong.
  EXPECT_EQ(CleanText("x\xED\xA0\x80"), "x\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // Surrogate.
  EXPECT_EQ(CleanText("cut \xE4\xB8"), "cut \xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(TextTest, EscapesMarkup) {
  EXPECT_EQ(EscapeXml("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

TEST(TextTest, ReadsCodePoints) {
  std::size_t position = 0;
  const std::string text = "aé中😀";
  EXPECT_EQ(NextCodePoint(text, &position), U'a');
  EXPECT_EQ(NextCodePoint(text, &position), U'é');
  EXPECT_EQ(NextCodePoint(text, &position), U'中');
  EXPECT_EQ(NextCodePoint(text, &position), U'😀');
  EXPECT_EQ(position, text.size());
}

TEST(SvgCanvasTest, HasThemeClassesEscapedTextAndNoIds) {
  SvgCanvas canvas(100, 50, "a<b");
  canvas.Line({0, 0}, {10, 10}, {kGrid, 1});
  canvas.Text({1, 2}, "<script>", {.horizontal = HAlign::kRight});
  {
    const ClipScope clip(canvas, {1, 2, 3, 4});
    canvas.FillRect({0, 0, 1, 1}, Rgb(0x102030).WithAlpha(0.5));
  }
  const std::string svg = canvas.Finish();
  EXPECT_THAT(svg, HasSubstr("<title>a&lt;b</title>"));
  EXPECT_THAT(svg, HasSubstr("class=\"stroke-grid\""));
  EXPECT_THAT(svg, HasSubstr("class=\"fill-ink\" text-anchor=\"end\">&lt;script&gt;</text>"));
  EXPECT_THAT(svg, HasSubstr("fill=\"#102030\" fill-opacity=\"0.5\""));
  EXPECT_THAT(svg, Not(HasSubstr(" id=")));
  EXPECT_THAT(svg, HasSubstr("<svg x=\"1\" y=\"2\" width=\"3\" height=\"4\" viewBox=\"1 2 3 4\">"));
}

TEST(SvgCanvasTest, LeavesOutPointsOnStraightLinesOnly) {
  std::vector<Point> straight;
  std::vector<Point> arc;
  for (int i = 0; i <= 1000; ++i) {
    straight.push_back({i * 0.1, i * 0.05});
    arc.push_back({50 * std::cos(i * 0.001), 50 * std::sin(i * 0.001)});
  }
  SvgCanvas first(100, 100, "");
  first.Polyline(straight, {});
  EXPECT_THAT(first.Finish(), HasSubstr("points=\"0,0 100,50\""));
  SvgCanvas second(100, 100, "");
  second.Polyline(arc, {});
  const std::string svg = second.Finish();
  const auto commas = std::count(svg.begin(), svg.end(), ',');
  EXPECT_GT(commas, 6);  // A slow bend must not be cut off.
  EXPECT_LT(commas, 40);
}

std::vector<std::string> TickTexts(const Axis& axis, int wanted) {
  std::vector<std::string> texts;
  for (const Tick& tick : MakeTicks(axis, wanted)) texts.push_back(tick.text);
  return texts;
}

TEST(AxisTest, TicksAreRoundNumbersInsideTheRange) {
  EXPECT_THAT(TickTexts({.low = 0, .high = 1}, 5),
              ElementsAre("0", "0.2", "0.4", "0.6", "0.8", "1.0"));
  EXPECT_THAT(TickTexts({.low = -0.3, .high = 0.3}, 3), ElementsAre("-0.2", "0", "0.2"));
  EXPECT_THAT(TickTexts({.low = 1, .high = 3, .unit = TickUnit::kWhole}, 10),
              ElementsAre("1", "2", "3"));
  EXPECT_THAT(TickTexts({.low = 0, .high = 4e9, .unit = TickUnit::kBytes}, 4),
              ElementsAre("0", "1", "2", "3"));
  EXPECT_EQ(UnitName({.low = 0, .high = 4e9, .unit = TickUnit::kBytes}), "GiB");
  EXPECT_THAT(TickTexts({.low = 0, .high = 600, .unit = TickUnit::kSeconds}, 5),
              ElementsAre("0", "2", "4", "6", "8", "10"));
  EXPECT_EQ(UnitName({.low = 0, .high = 600, .unit = TickUnit::kSeconds}), "min");
}

TEST(AxisTest, SurvivesEmptyAndEndlessRanges) {
  EXPECT_TRUE(MakeTicks({.low = 1, .high = 1}, 5).empty());
  EXPECT_TRUE(MakeTicks({.low = 0, .high = std::numeric_limits<double>::infinity()}, 5).empty());
  const Axis flat = AxisAround("", 2, 2);
  EXPECT_LT(flat.low, 2);
  EXPECT_GT(flat.high, 2);
  const Axis none = AxisAround("", std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity());
  EXPECT_LT(none.low, none.high);
  EXPECT_EQ(AxisAround("", 0, 10).low, 0);
}

TEST(AxisTest, MapsValuesToTheCanvas) {
  const PlotArea area({10, 20, 100, 50}, {.low = 0, .high = 10}, {.low = -1, .high = 1});
  EXPECT_DOUBLE_EQ(area.X(5), 60);
  EXPECT_DOUBLE_EQ(area.Y(-1), 70);
  EXPECT_DOUBLE_EQ(area.Y(1), 20);
}

TEST(LineSeriesTest, DrawsTheLineWhereTheDataAreAndLeavesGaps) {
  RasterCanvas canvas(100, 100, 1);
  const PlotArea area({0, 0, 100, 100}, {.low = 0, .high = 4}, {.low = 0, .high = 4});
  const std::vector<double> x = {0, 1, 2, 3, 4};
  const std::vector<double> y = {2, 2, std::nan(""), 2, 2};
  DrawSeries(canvas, area, x, y, {Rgb(0xFF0000), 4});
  EXPECT_EQ(PixelAt(canvas, 12, 50), 0xFF0000U);
  EXPECT_EQ(PixelAt(canvas, 50, 50), 0xFFFFFFU);
  EXPECT_EQ(PixelAt(canvas, 88, 50), 0xFF0000U);
  EXPECT_EQ(PixelAt(canvas, 12, 40), 0xFFFFFFU);
}

TEST(LineSeriesTest, SmoothingKeepsConstantsAndSpreadsPeaks) {
  const std::vector<double> constant(20, 3.5);
  for (const double value : GaussianSmooth(constant, 3)) EXPECT_NEAR(value, 3.5, 1e-12);
  std::vector<double> peak(41, 0.0);
  peak[20] = 1;
  peak[3] = std::nan("");
  const std::vector<double> smooth = GaussianSmooth(peak, 3);
  EXPECT_NEAR(smooth[20], 1 / (3 * std::sqrt(2 * M_PI)), 1e-4);
  EXPECT_NEAR(smooth[17] / smooth[20], std::exp(-0.5), 1e-3);
  EXPECT_TRUE(std::isnan(smooth[3]));
}

TEST(LegendTest, CountsWhatDoesNotFit) {
  SvgCanvas canvas(200, 100, "");
  std::vector<LegendEntry> entries(30, LegendEntry{"name", kInk});
  DrawLegendColumn(canvas, {0, 0, 200, 90}, entries);
  EXPECT_THAT(canvas.Finish(), HasSubstr(">26 more</text>"));
}

TEST(ColorTest, TextContrastsWithEveryPaletteColour) {
  EXPECT_EQ(ReadableOn(Rgb(0xFFFF00)).r, 0);
  EXPECT_EQ(ReadableOn(Rgb(0x000080)).r, 1);
  EXPECT_EQ(PaletteColor(3).g, PaletteColor(23).g);
  EXPECT_GT(SequentialColor(0).r, SequentialColor(1).r);
}

TEST(FigureTest, NeedCoversTheCanvas) {
  const Figure figure{.width = 100, .height = 50, .title = "", .draw = [](Canvas&) {}};
  EXPECT_GE(EstimateMemory(figure).row(MemoryTag::kPlots).bytes, Bytes::Of(200 * 100, 4));
}

}  // namespace
}  // namespace headroom

// fontconfig keeps its configuration to the end of the process, behind pointers that
// LeakSanitizer, which calls this, does not see.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig"; }
