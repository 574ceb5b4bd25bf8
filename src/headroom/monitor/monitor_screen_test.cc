// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/monitor_screen.h"

#include "headroom/core/strings.h"
#include "headroom/monitor/some_run.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace headroom {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::SomeIdentity;
using testing::SomeState;

MonitorView SomeView() {
  MonitorView view;
  view.last = {SomeIdentity(), SomeState()};
  view.unix_ms = SomeState().unix_ms + 1000;
  view.host = HostMemory{Bytes::GiB(32), Bytes::GiB(20)};
  return view;
}

std::size_t Columns(std::string_view line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

TEST(MonitorScreen, ShowsConsumersAgainstTheLimitLargestFirst) {
  const std::string screen = RenderScreen(SomeView(), 80);
  EXPECT_THAT(
      screen,
      HasSubstr(
          "runs/detect/train  running  train step  epoch 3/100  batch 17/250  12.5 images/s"));
  EXPECT_LT(screen.find("activations"), screen.find("mosaic pool"));
  EXPECT_LT(screen.find("mosaic pool"), screen.find("unaccounted"));
  EXPECT_THAT(screen, HasSubstr("1.37 GiB  70 %"));
  EXPECT_THAT(screen, HasSubstr("room 600 MiB, others' use is steady"));
  EXPECT_THAT(screen, HasSubstr("pressure 3.0 %, host 20.0 GiB free of 32.0 GiB"));
  EXPECT_THAT(screen, HasSubstr("batch 133 as micro-batches of 16, imgsz 640, 4 workers"));
  EXPECT_THAT(screen, Not(HasSubstr("\x1b")));
  EXPECT_THAT(RenderScreen(SomeView(), 80, ScreenStyle::kAnsiColour), HasSubstr("\x1b[32m"));
}

TEST(MonitorScreen, FitsItsWidth) {
  MonitorView view = SomeView();
  view.last.state.note = std::string(300, 'x');
  view.last.state.limit_falls_per_s = 1e8;
  for (const int width : {10, 40, 61, 80, 200}) {
    const std::string screen = RenderScreen(view, width);
    for (const auto line : Split(screen, '\n'))
      EXPECT_LE(Columns(line), static_cast<std::size_t>(std::max(width, 40))) << line;
  }
  EXPECT_THAT(RenderScreen(view, 120),
              HasSubstr("others take 95.4 MiB/s, the limit is met in 6 s"));
}

TEST(MonitorScreen, TheJsonHasTheSameFigures) {
  const auto json = nlohmann::json::parse(RenderJson(SomeView()));
  EXPECT_EQ(json["host"]["held"], std::uint64_t{1400} << 20);
  EXPECT_EQ(json["host"]["consumers"]["activations"]["now"], std::uint64_t{900} << 20);
  EXPECT_EQ(json["host"]["consumers"]["unaccounted"]["now"], std::uint64_t{200} << 20);
  EXPECT_EQ(json["fate"], "running");
  EXPECT_EQ(json["micro_batch"], 16);
}

TEST(MonitorScreen, TheRowsAddUpToWhatIsHeld) {
  for (const std::uint64_t anonymous_mib : {500, 1400}) {
    MonitorView view = SomeView();
    view.last.state.rss_anon = Bytes::MiB(anonymous_mib);
    const auto json = nlohmann::json::parse(RenderJson(view));
    std::uint64_t sum = 0;
    for (const auto& row : json["host"]["consumers"]) sum += row["now"].get<std::uint64_t>();
    EXPECT_EQ(json["host"]["held"], sum);
    EXPECT_EQ(json["host"]["rss_anon"], anonymous_mib << 20);
    EXPECT_EQ(json["host"]["rss"], std::uint64_t{1500} << 20);
  }
  MonitorView view = SomeView();
  view.last.state.rss_anon = Bytes::MiB(500);
  const std::string screen = RenderScreen(view, 80);
  EXPECT_THAT(screen, HasSubstr("1.17 GiB  60 %"));
  EXPECT_THAT(screen, HasSubstr("resident 1.46 GiB, 500 MiB of it anonymous, peak 1.56 GiB"));
  EXPECT_THAT(screen, HasSubstr("room 1.46 GiB")) << "the limit counts what is anonymous";
}

TEST(MonitorScreen, ARunThatHasEndedMeetsNoLimit) {
  MonitorView view = SomeView();
  view.last.state.limit_falls_per_s = 1e8;
  view.fate = RunFate::kKilled;
  const std::string screen = RenderScreen(view, 80);
  EXPECT_THAT(screen, HasSubstr("room was 600 MiB\n"));
  EXPECT_THAT(screen, Not(HasSubstr("the limit is met")));
}

TEST(MonitorScreen, NothingIsCutForAPipe) {
  MonitorView view = SomeView();
  view.last.state.note = std::string(300, 'x');
  const std::string screen = RenderScreen(view, 80, ScreenStyle::kUncut);
  EXPECT_THAT(screen, HasSubstr("note: " + view.last.state.note + "\n"));
  EXPECT_THAT(screen, Not(HasSubstr("\x1b")));
}

TEST(MonitorScreen, AnEmptyPageIsNoCrash) {
  EXPECT_THAT(RenderScreen(MonitorView(), 80), HasSubstr("host"));
  EXPECT_FALSE(RenderJson(MonitorView()).empty());
}

}  // namespace
}  // namespace headroom
