// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/file.h"
#include "headroom/core/strings.h"
#include "headroom/plot/results_chart.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>

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

}  // namespace
}  // namespace headroom
