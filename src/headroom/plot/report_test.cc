// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/report.h"

#include "headroom/core/file.h"
#include "headroom/plot/base64.h"
#include "headroom/plot/confusion_chart.h"
#include "headroom/plot/event_file.h"
#include "headroom/plot/memory_chart.h"
#include "headroom/plot/results_chart.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

namespace headroom {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SharedFile;
using testing::TempDir;

constexpr std::string_view kEvil = "<script>alert('x')</script>";

ReportData SmallReport() {
  ReportData data;
  data.title = "train: yolo11n on bccd.yaml";
  data.subtitle = "60 epochs in 0.71 hours";
  data.headline = {{"mAP50-95", "0.537"}, {"peak of 2.00 GiB", "1.61 GiB"}};
  data.pictures = {{"val_batch0_pred.jpg", "\xFF\xD8\xFF"}};
  data.epochs = {.columns = {"epoch", "train/box_loss"},
                 .rows = {{1, 5.37319}, {2, std::nan("")}},
                 .best_row = 1};
  data.plans = {{.title = "Host memory",
                 .rows = {{"weights", Bytes::MiB(10), Bytes::MiB(9), "exact"},
                          {"activations", Bytes::MiB(1024), Bytes::MiB(900), "exact"},
                          {"runtime", Bytes::MiB(200), std::nullopt, "assumed"}},
                 .total = ReportData::PlanRow{"peak", Bytes::MiB(1234), Bytes::MiB(1100), ""},
                 .limit = Bytes::GiB(2),
                 .limit_origin = "cgroup memory.max"}};
  data.adaptations = {{"epoch 3", "micro-batch 16 -> 8", "another program took 500 MiB"}};
  data.arguments = {{"model", "yolo11n.pt"}, {"epochs", "60"}};
  data.environment = {{"CPU", "2 cores"}};
  return data;
}

TEST(ReportTest, HasEveryPart) {
  const std::string page = RenderReport(SmallReport());
  EXPECT_THAT(page, ::testing::StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(page, HasSubstr("src=\"data:image/jpeg;base64,/9j/\""));
  EXPECT_THAT(page, HasSubstr("<td class=\"n\">5.3732</td>"));
  EXPECT_THAT(page, HasSubstr("<tr class=\"best\"><td class=\"n\">2</td><td class=\"n\"></td>"));
  EXPECT_THAT(page, HasSubstr("Limit 2.00 GiB (cgroup memory.max)"));
  EXPECT_THAT(page, HasSubstr("<i style=\"width:100.0%\"></i><u style=\"width:87.9%\"></u>"));
  EXPECT_THAT(page, HasSubstr("micro-batch 16 -&gt; 8"));
  EXPECT_THAT(page, HasSubstr("<dt>model</dt><dd>yolo11n.pt</dd>"));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(page, HasSubstr("@media print"));
}

TEST(ReportTest, EveryTextIsEscaped) {
  ReportData data = SmallReport();
  const std::string evil(kEvil);
  data.title = data.subtitle = evil;
  data.headline = {{evil, evil}};
  data.figures.push_back({.width = 10, .height = 10, .title = evil, .draw = [&](Canvas& canvas) {
                            canvas.Text({0, 0}, evil, {});
                          }});
  data.pictures[0].caption = evil + "\" onload=\"x";
  data.epochs.columns = {evil, evil};
  data.plans[0].title = data.plans[0].rows[0].name = data.plans[0].rows[0].basis = evil;
  data.plans[0].limit_origin = evil;
  data.adaptations = {{evil, evil, evil}};
  data.arguments = data.environment = {{evil, evil}};
  const std::string page = RenderReport(data);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("\" onload=\"")));
}

TEST(ReportTest, FetchesNothing) {
  ReportData data = SmallReport();
  const ConfusionData confusion{.class_count = 1, .values = {3, 1, 1, 0}};
  data.figures.push_back(ConfusionFigure(confusion));
  std::string page = RenderReport(data);
  // The name of the SVG dialect is no address that is opened.
  const std::string dialect = "http://www.w3.org/2000/svg";
  for (std::size_t at = page.find(dialect); at != std::string::npos; at = page.find(dialect)) {
    page.erase(at, dialect.size());
  }
  EXPECT_THAT(page, Not(AnyOf(HasSubstr("http:"), HasSubstr("https:"), HasSubstr("url("),
                              HasSubstr("@import"), HasSubstr("src=\"/"))));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST(ReportTest, EmptyPartsAreLeftOut) {
  const std::string page = RenderReport(ReportData{.title = "t"});
  EXPECT_THAT(page, Not(HasSubstr("<h2")));
  EXPECT_THAT(page, Not(HasSubstr("<a href")));
  const ReportData calm{.title = "t", .no_adaptations = "the plan held"};
  EXPECT_THAT(RenderReport(calm), HasSubstr(">the plan held</p>"));
}

TEST(ReportTest, IsWrittenWhole) {
  const TempDir dir;
  const ReportData data = SmallReport();
  WriteReport(dir.path() / "report.html", data);
  EXPECT_EQ(*ReadFile(dir.path() / "report.html"), RenderReport(data));
  EXPECT_GE(EstimateMemory(data).row(MemoryTag::kPlots).bytes, Bytes::MiB(2));
}

TEST(ReportTest, ConfusionOfNinetyFiveClassesStaysBelowTheEstimate) {
  ConfusionData confusion{.class_count = 95, .values = std::vector<float>(96 * 96, 0.5F)};
  EXPECT_LT(Bytes(RenderSvg(ConfusionFigure(confusion)).size()), Bytes::MiB(2));
}

// HEADROOM_PLOT_GALLERY=folder: a report from the pictures of the other tests, to be looked at.
TEST(ReportTest, GalleryIsWrittenWhereAsked) {
  const char* gallery = std::getenv("HEADROOM_PLOT_GALLERY");
  if (gallery == nullptr) GTEST_SKIP() << "HEADROOM_PLOT_GALLERY is not set";
  ReportData data = SmallReport();
  const ResultsData results{
      .epochs = {1, 2, 3, 4},
      .panels = {{"train/box_loss", {4, 3, 2.5, 2.2}}, {"val/box_loss", {4, 3.2, 2.9, 2.8}}}};
  data.figures.push_back(ResultsFigure(results));
  const ConfusionData confusion{
      .names = {"RBC", "WBC"}, .class_count = 2, .values = {820, 3, 90, 1, 70, 2, 60, 0, 0}};
  data.figures.push_back(ConfusionFigure(confusion));
  MemoryTimeline timeline;
  timeline.host.title = "Host memory";
  timeline.host.consumers = {{"weights", {}}, {"activations", {}}};
  for (int i = 0; i < 100; ++i) {
    timeline.seconds.push_back(i);
    timeline.host.consumers[0].bytes.push_back(3e7);
    timeline.host.consumers[1].bytes.push_back(9e8 + 1e8 * std::sin(i / 5.0));
    timeline.host.limit.push_back(1.5e9);
  }
  timeline.phases = {{0, 60, "train"}, {60, 100, "validation"}};
  timeline.adaptations = {{50, "workers 4 -> 2"}};
  data.figures.push_back(MemoryFigure(timeline));
  const auto picture = std::filesystem::path(gallery) / "detections.jpg";
  if (std::filesystem::exists(picture)) {
    data.pictures.assign(3, {"BloodImage_00000.jpg", *ReadFile(picture)});
  }
  data.epochs = {.columns = {"epoch", "time", "train/box_loss", "metrics/mAP50-95(B)"},
                 .rows = {},
                 .best_row = 38};
  for (int i = 1; i <= 60; ++i) {
    data.epochs.rows.push_back({1.0 * i, 31.2 * i, 4.0 / i, 0.6 - 0.5 / i});
  }
  for (int i = 0; i < 60; ++i) {
    data.arguments.emplace_back("argument_" + std::to_string(i),
                                i == 7 ? std::string(90, 'x') : "0.5");
  }
  WriteReport(std::filesystem::path(gallery) / "report.html", data);
}

TEST(Base64Test, FollowsTheVectorsOfRfc4648) {
  EXPECT_EQ(EncodeBase64(""), "");
  EXPECT_EQ(EncodeBase64("f"), "Zg==");
  EXPECT_EQ(EncodeBase64("fo"), "Zm8=");
  EXPECT_EQ(EncodeBase64("foo"), "Zm9v");
  EXPECT_EQ(EncodeBase64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(EncodeBase64("\xFF\xFE"), "//4=");
}

}  // namespace
}  // namespace headroom
