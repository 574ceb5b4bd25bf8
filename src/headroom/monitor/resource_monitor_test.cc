// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/resource_monitor.h"

#include "headroom/core/file.h"
#include "headroom/core/log.h"
#include "headroom/core/strings.h"
#include "headroom/memory/reservation.h"
#include "headroom/monitor/give_way.h"
#include "headroom/monitor/system_source.h"
#include "headroom/testing/temp_dir.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace headroom {
namespace {

using ::testing::HasSubstr;
using Kind = PressureAdvice::Kind;

ResourceSample At(double seconds, std::uint64_t limit_mib, std::uint64_t held_mib,
                  std::uint64_t budget_mib) {
  ResourceSample sample;
  sample.seconds = seconds;
  sample.limit = Bytes::MiB(limit_mib);
  sample.process.rss = sample.process.high_water = Bytes::MiB(held_mib + 50);
  sample.process.rss_anon = Bytes::MiB(held_mib);
  sample.budget = Bytes::MiB(budget_mib);
  return sample;
}

// Gives in small pieces, as blocks that come back to a cache do.
class SlowHolder final : public Reclaimable {
 public:
  explicit SlowHolder(Budget& budget)
      : budget_(budget), held_(budget, MemoryTag::kImageCache, Bytes::MiB(500)) {
    budget_.Register(*this);
  }
  ~SlowHolder() override { budget_.Unregister(*this); }
  [[nodiscard]] std::string_view name() const override { return "slow"; }
  [[nodiscard]] ReclaimOrder order() const override { return ReclaimOrder::kImageCache; }
  Bytes Release(Bytes wanted, ReclaimTime /*time*/) override {
    const Bytes given = std::min({wanted, Bytes::MiB(60), held_.bytes()});
    held_.Resize(held_.bytes() - given);
    return given;
  }

 private:
  Budget& budget_;
  Reservation held_;
};

TEST(GiveWay, AsksUntilTheNewBudgetIsKeptAndSaysSo) {
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(600), "80 % of a test", ledger);
  const SlowHolder holder(budget);
  const PressureAdvice advice{Kind::kGiveBack, Bytes::MiB(300), Bytes::MiB(150),
                              "only 100 MiB is left"};
  const GaveWay gave = GiveWay(budget, advice);
  EXPECT_EQ(budget.used(), Bytes::MiB(300));
  EXPECT_EQ(gave.given, Bytes::MiB(200));
  EXPECT_EQ(
      gave.line,
      "Memory: only 100 MiB is left; budget 600 MiB -> 300 MiB, gave back 200 MiB of 200 MiB.");
  EXPECT_EQ(budget.origin(), "cut in mid-run: only 100 MiB is left");
  const GaveWay grown = GiveWay(budget, {Kind::kGrow, Bytes::MiB(360), Bytes(), "there was room"});
  EXPECT_EQ(budget.limit(), Bytes::MiB(360));
  EXPECT_EQ(grown.line, "Memory: there was room; budget 300 MiB -> 360 MiB.");
}

TEST(GiveWay, ABudgetThatMovesAboveThePlanIsNoNews) {
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(600), "80 % of a test", ledger);
  const auto move = [&](Kind kind, int mebibytes) {
    return GiveWay(budget, {kind, Bytes::MiB(static_cast<std::uint64_t>(mebibytes)), Bytes(), "so"},
                   Bytes::MiB(400))
        .line;
  };
  EXPECT_EQ(move(Kind::kGiveBack, 500), "");
  EXPECT_EQ(budget.limit(), Bytes::MiB(500));
  EXPECT_EQ(move(Kind::kGrow, 550), "");
  EXPECT_EQ(move(Kind::kGiveBack, 300), "Memory: so; budget 550 MiB -> 300 MiB.");
  EXPECT_EQ(move(Kind::kGrow, 500), "Memory: so; budget 300 MiB -> 500 MiB.");
  const SlowHolder holder(budget);
  EXPECT_NE(move(Kind::kGiveBack, 450), "");
}

// Time that moves only when the test says so.
class HandClock final : public MonitorClock {
 public:
  [[nodiscard]] double Now() override {
    std::lock_guard lock(mutex_);
    return now_;
  }
  bool WaitUntil(double seconds, std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    waiting_ = true;
    changed_.notify_all();
    changed_.wait(lock, stop, [&] { return now_ >= seconds; });
    return !stop.stop_requested();
  }
  // Returns when the monitor waits again.
  void Advance(double seconds) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_; });
    now_ += seconds;
    waiting_ = false;
    changed_.notify_all();
    changed_.wait(lock, [&] { return waiting_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  double now_ = 100;
  bool waiting_ = false;
};

class ScriptedSource final : public ResourceSource {
 public:
  ResourceSample Sample() override {
    ++taken_;
    if (taken_ == throw_at_) throw std::runtime_error("no such file");
    ResourceSample sample = At(0, limit_mib_.load(), 1000, budget_mib_.load());
    sample.pressure = Pressure{0.5, 0.1};
    return sample;
  }
  [[nodiscard]] std::string DescribeLimit() const override { return "a script"; }

  std::atomic<std::uint64_t> limit_mib_{4000};
  std::atomic<std::uint64_t> budget_mib_{3200};
  int throw_at_ = 0;

 private:
  int taken_ = 0;
};

TEST(ResourceMonitor, SamplesOnceAPeriodAndKeepsARing) {
  HandClock clock;
  ScriptedSource source;
  ResourceMonitorOptions options;
  options.ring = 4;
  ResourceMonitor monitor(options, source, clock, nullptr);
  for (int i = 0; i < 6; ++i) clock.Advance(1);
  const auto recent = monitor.Recent(10);
  ASSERT_EQ(recent.size(), 4U);
  EXPECT_DOUBLE_EQ(recent.front().seconds, 3);
  EXPECT_DOUBLE_EQ(monitor.Latest().seconds, 6);
  EXPECT_EQ(monitor.Summary().samples, 7U);
  EXPECT_EQ(monitor.Summary().peak_rss, Bytes::MiB(1050));
  EXPECT_EQ(monitor.Summary().least_room, Bytes::MiB(3000));
  EXPECT_THAT(monitor.SummaryLine(), HasSubstr("peak 1.03 GiB resident"));
  monitor.CountPeak(Bytes::MiB(10));
  EXPECT_EQ(monitor.Summary().peak_rss, Bytes::MiB(1050));
  monitor.CountPeak(Bytes::MiB(2048));
  EXPECT_THAT(monitor.SummaryLine(), HasSubstr("peak 2.00 GiB resident"));
}

TEST(ResourceMonitor, CallsBackBeforeTheLimitIsMet) {
  HandClock clock;
  ScriptedSource source;
  ResourceMonitorOptions options;
  options.budget = Bytes::MiB(3200);
  std::vector<PressureAdvice> advice;
  int samples = 0;
  {
    ResourceMonitor monitor(
        options, source, clock,
        [&](const PressureAdvice& given, const ResourceSample&) {
          advice.push_back(given);
          source.budget_mib_ = given.budget.count() >> 20;
        },
        [&](const ResourceSample&) { ++samples; });
    clock.Advance(1);
    source.limit_mib_ = 1000;
    clock.Advance(1);
    EXPECT_EQ(monitor.Summary().give_backs, 1);
  }
  ASSERT_GE(advice.size(), 1U);
  EXPECT_EQ(advice[0].kind, Kind::kGiveBack);
  EXPECT_EQ(samples, 4);  // The last one at the end.
}

TEST(ResourceMonitor, LooksAgainAtOnceWhileAFallGoesOn) {
  HandClock clock;
  ScriptedSource source;
  ResourceMonitorOptions options;
  options.budget = Bytes::MiB(3200);
  options.policy.look_again_s = 0.125;
  int advised = 0;
  int told = 0;
  ResourceMonitor monitor(
      options, source, clock, [&](const PressureAdvice&, const ResourceSample&) { ++advised; },
      [&](const ResourceSample&) { ++told; });
  clock.Advance(1);
  source.limit_mib_ = 3600;
  clock.Advance(1);
  EXPECT_EQ(advised, 0) << "it may have ended";
  source.limit_mib_ = 3500;
  clock.Advance(0.125);
  EXPECT_EQ(advised, 1) << "it goes on at 800 MB/s";
  clock.Advance(0.125);
  EXPECT_DOUBLE_EQ(monitor.Latest().seconds, 2.25);
  EXPECT_TRUE(monitor.Latest().extra);
  clock.Advance(0.75);
  EXPECT_DOUBLE_EQ(monitor.Latest().seconds, 3) << "it ended: the next is a regular one";
  EXPECT_FALSE(monitor.Latest().extra);
  EXPECT_EQ(told, 4);
  EXPECT_EQ(monitor.Summary().samples, 4U);
  clock.Advance(1);
  EXPECT_EQ(monitor.Recent(10).size(), 5U) << "the looks between are not kept";
}

TEST(ResourceMonitor, ASourceThatFailsEndsTheWatchNotTheRun) {
  std::string logged;
  SetLogSink([&](LogLevel, std::string_view text) { logged = text; });
  {
    HandClock clock;
    ScriptedSource source;
    source.throw_at_ = 1;
    const ResourceMonitor monitor(ResourceMonitorOptions(), source, clock, nullptr);
  }
  SetLogSink(nullptr);
  EXPECT_THAT(logged, HasSubstr("the memory monitor stopped: no such file"));
}

TEST(ResourceMonitor, WritesACsvThatResumeGoesOnWith) {
  const testing::TempDir folder;
  ResourceMonitorOptions options;
  options.csv = folder.path() / "memory.csv";
  for (int run = 0; run < 2; ++run) {
    HandClock clock;
    ScriptedSource source;
    const ResourceMonitor monitor(options, source, clock, nullptr);
    clock.Advance(1);
    clock.Advance(1);
  }
  const std::string text = *ReadFile(options.csv);
  const auto lines = Split(Trim(text), '\n');
  ASSERT_EQ(lines.size(), 1U + 2 * 4);
  EXPECT_THAT(std::string(lines[0]), HasSubstr("time_s,rss_mb,rss_anon_mb"));
  EXPECT_THAT(std::string(lines[0]), HasSubstr(",image_cache_mb,mosaic_pool_mb"));
  for (const auto line : lines)
    EXPECT_EQ(Split(line, ',').size(), Split(lines[0], ',').size()) << line;
  EXPECT_TRUE(lines[2].starts_with("1.0,1050.0,1000.0,1050.0,")) << lines[2];
}

TEST(ResourceMonitor, DecidesAndTellsBeforeItWritesTheFile) {
  const testing::TempDir folder;
  ResourceMonitorOptions options;
  options.budget = Bytes::MiB(3200);
  options.csv = folder.path() / "memory.csv";
  HandClock clock;
  ScriptedSource source;
  source.limit_mib_ = 1500;
  std::vector<std::string> acts;
  const auto note = [&](const char* act) {
    acts.push_back(
        fmt::format("{} with {} bytes written", act, std::filesystem::file_size(options.csv)));
  };
  {
    ResourceMonitor monitor(
        options, source, clock,
        [&](const PressureAdvice&, const ResourceSample&) { note("advice"); },
        [&](const ResourceSample&) { note("sample"); });
    // The 30th row is the first that goes to the disk, in the same second.
    for (int i = 0; i < 29; ++i) clock.Advance(1);
    EXPECT_GT(std::filesystem::file_size(options.csv), 0U);
  }
  ASSERT_GE(acts.size(), 60U);
  EXPECT_EQ(acts[58], "advice with 0 bytes written");
  EXPECT_EQ(acts[59], "sample with 0 bytes written");
}

TEST(MemoryCsv, ThinsOutAfterTenMinutesAndKeepsThePeaks) {
  const testing::TempDir folder;
  const auto path = folder.path() / "memory.csv";
  {
    MemoryCsv csv(path);
    for (int i = 0; i < 1600; ++i) csv.Add(At(i, 4000, i == 1234 ? 3000 : 1000, 3200));
  }
  const std::string text = *ReadFile(path);
  const auto lines = Split(Trim(text), '\n');
  EXPECT_NEAR(static_cast<double>(lines.size()), 1 + 600 + 100, 3);
  EXPECT_THAT(text, HasSubstr(",3000.0,"));
}

TEST(SystemSource, SeesThisProcessAndIsCheap) {
  Ledger ledger;
  ledger.Add(MemoryTag::kWeights, Bytes::KiB(4));
  Budget budget(MemoryPlace::kHost, Bytes::GiB(1), "a test", ledger);
  SystemSource source(SystemRoot(), ledger, &budget);
  const ResourceSample sample = source.Sample();
  EXPECT_GT(sample.process.rss, Bytes::MiB(1));
  EXPECT_GT(sample.Unaccounted(), Bytes::KiB(100));
  EXPECT_EQ(sample.budget, Bytes::GiB(1));
  EXPECT_GT(sample.limit, sample.Held());
  EXPECT_FALSE(source.DescribeLimit().empty());
}

}  // namespace
}  // namespace headroom
