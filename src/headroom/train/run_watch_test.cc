// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_watch.h"

#include "headroom/core/file.h"
#include "headroom/core/strings.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>

#include <map>
#include <string>

namespace headroom {
namespace {

using ::testing::HasSubstr;

PhaseBytes Planned(Bytes train_step) {
  PhaseBytes planned{};
  planned[static_cast<std::size_t>(PlanPhase::kTrainStep)] = train_step;
  return planned;
}

class RunWatchTest : public ::testing::Test {
 protected:
  // The last row of memory.csv, by column.
  [[nodiscard]] std::map<std::string, std::string> LastRow() const {
    const Result<std::string> text = ReadFile(dir_.path() / "memory.csv");
    std::map<std::string, std::string> row;
    if (!text) return row;
    const auto lines = Split(Trim(*text), '\n');
    const auto names = Split(lines.front(), ',');
    const auto values = Split(lines.back(), ',');
    EXPECT_EQ(names.size(), values.size());
    for (std::size_t i = 0; i < names.size(); ++i) row.emplace(names[i], values[i]);
    return row;
  }

  testing::TempDir dir_;
  Ledger ledger_;
  Budget budget_{MemoryPlace::kHost, Bytes::GiB(4), "a test", ledger_};
};

TEST_F(RunWatchTest, TheDriversFiguresReachTheFileThePageAndTheSummary) {
  auto gpu = GpuMemory::Open(HEADROOM_FAKE_NVML);
  ASSERT_TRUE(gpu) << gpu.error();
  RunWatch watch(dir_.path(), "resume", budget_, std::move(*gpu), 0);
  watch.StopSampling();
  auto row = LastRow();
  EXPECT_EQ(row["gpu_used_mb"], "4096.0");
  EXPECT_EQ(row["gpu_free_mb"], "20480.0");
  EXPECT_EQ(row["gpu_percent"], "87");
  ASSERT_TRUE(watch.Latest().gpu);
  EXPECT_EQ(watch.Latest().gpu->total, Bytes::GiB(24));
  EXPECT_EQ(ReadLastState(dir_.path() / kLastStateName)->state.device_used, Bytes::GiB(4));
  EXPECT_THAT(watch.SummaryLine(), HasSubstr("GPU peak 4.00 GiB"));
}

TEST_F(RunWatchTest, WithoutADeviceItsColumnsAreEmpty) {
  RunWatch watch(dir_.path(), "resume", budget_);
  watch.StopSampling();
  auto row = LastRow();
  EXPECT_EQ(row["gpu_used_mb"], "");
  EXPECT_NE(row["rss_mb"], "");
}

TEST_F(RunWatchTest, AnEndIsNotTakenBackByWhatComesLater) {
  RunWatch watch(dir_.path(), "resume", budget_);
  RunState state;
  state.phase = PlanPhase::kTrainStep;
  state.epoch = 3;
  watch.Update(state);
  watch.End(RunEnd::kFailed, 4);
  watch.Update(state);
  const auto page = ReadLastState(dir_.path() / kLastStateName);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->state.end, RunEnd::kFailed);
  EXPECT_EQ(page->state.exit_code, 4);
  EXPECT_EQ(page->state.phase, PlanPhase::kTrainStep);
  EXPECT_EQ(page->state.epoch, 3);
}

class CutRunTest : public RunWatchTest {
 protected:
  CutRunTest() {
    LastStateWriter before(Page(), IdentifyThisProcess());
    RunState state;
    state.end = RunEnd::kFinished;
    state.lesson.cut_budget = Bytes::GiB(1);
    before.Update(state);
  }
  [[nodiscard]] std::filesystem::path Page() const { return dir_.path() / kLastStateName; }
  // What the next start would find.
  [[nodiscard]] Bytes Kept() const { return ReadLastState(Page())->state.lesson.cut_budget; }
};

TEST_F(CutRunTest, ACutIsInThePageFromTheFirstMomentToTheEnd) {
  RunWatch watch(dir_.path(), "resume", budget_);
  EXPECT_EQ(Kept(), Bytes::GiB(1));
  // Applied, though the smallest settings need more.
  budget_.SetLimit(Bytes::MiB(1100), "cut after the kill");
  watch.KeepAbove(Bytes::MiB(1100), Planned(Bytes::MiB(1100)));
  watch.Update(RunState());
  EXPECT_EQ(Kept(), Bytes::GiB(1));
  watch.End(RunEnd::kFinished, 0);
  EXPECT_EQ(Kept(), Bytes::GiB(1));
}

TEST_F(CutRunTest, ACutThatTheMachineIsBelowIsKept) {
  budget_.SetLimit(Bytes::MiB(900), "a smaller machine");
  RunWatch watch(dir_.path(), "resume", budget_);
  watch.KeepAbove(Bytes::MiB(300), Planned(Bytes::MiB(600)));
  watch.Update(RunState());
  EXPECT_EQ(Kept(), Bytes::GiB(1));
}

TEST_F(CutRunTest, ARunThatPlansWithMoreForgetsIt) {
  RunWatch watch(dir_.path(), "resume", budget_);
  watch.KeepAbove(Bytes::MiB(300), Planned(Bytes::GiB(2)));
  watch.Update(RunState());
  EXPECT_EQ(Kept(), Bytes());
}

// A run that ended like one that was killed for memory, for all that could be seen.
class GuessedKillTest : public RunWatchTest {
 protected:
  GuessedKillTest() {
    LastStateWriter before(Page(), IdentifyThisProcess());
    RunState state;
    state.end = RunEnd::kFailed;
    state.lesson = {.cut_budget = Bytes::GiB(1), .doubtful = true, .kills = 1};
    before.Update(state);
    budget_.SetLimit(Bytes::GiB(4), "80 % of a test");
  }
  [[nodiscard]] std::filesystem::path Page() const { return dir_.path() / kLastStateName; }
  [[nodiscard]] KillLesson Kept() const { return ReadLastState(Page())->state.lesson; }
  static RunState InEpoch(int epoch) {
    RunState state;
    state.phase = PlanPhase::kTrainStep;
    state.epoch = epoch;
    state.epochs = 9;
    return state;
  }
};

TEST_F(GuessedKillTest, ItIsForgottenWhenAnEpochWasLived) {
  RunWatch watch(dir_.path(), "resume", budget_);
  budget_.SetLimit(Bytes::GiB(1), "cut after the kill");
  watch.KeepAbove(Bytes::MiB(300), Planned(Bytes::MiB(900)));
  watch.Update(InEpoch(4));
  EXPECT_TRUE(Kept().doubtful);
  EXPECT_EQ(Kept().kills, 1);
  EXPECT_TRUE(watch.TakeLines().empty());
  watch.Update(InEpoch(5));
  EXPECT_EQ(Kept(), KillLesson());
  const auto lines = watch.TakeLines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("with room the budget grows to 4.00 GiB again"));
}

TEST_F(GuessedKillTest, ACutForAKillThatWasSeenStaysAndItsCountEnds) {
  {
    LastStateWriter before(Page(), IdentifyThisProcess());
    RunState state;
    state.end = RunEnd::kFailed;
    state.lesson = {.cut_budget = Bytes::GiB(1), .kills = 2};
    state.lesson.unplanned[1] = Bytes::MiB(70);
    before.Update(state);
  }
  RunWatch watch(dir_.path(), "resume", budget_);
  EXPECT_EQ(watch.Lesson().unplanned[1], Bytes::MiB(70));
  budget_.SetLimit(Bytes::GiB(1), "cut after the kill");
  watch.KeepAbove(Bytes::MiB(300), Planned(Bytes::MiB(900)));
  watch.Update(InEpoch(4));
  EXPECT_EQ(Kept().kills, 2);
  watch.Update(InEpoch(5));
  EXPECT_EQ(Kept().kills, 0);
  EXPECT_EQ(Kept().cut_budget, Bytes::GiB(1));
  EXPECT_EQ(Kept().unplanned[1], Bytes::MiB(70));
}

TEST_F(RunWatchTest, ThePageHasThePlanAndTheSmallest) {
  RunWatch watch(dir_.path(), "resume", budget_);
  watch.KeepAbove(Bytes::MiB(300), Planned(Bytes::MiB(900)));
  watch.Update(RunState());
  const RunState kept = ReadLastState(dir_.path() / kLastStateName)->state;
  EXPECT_EQ(kept.smallest, Bytes::MiB(300));
  EXPECT_EQ(kept.planned, Planned(Bytes::MiB(900)));
}

}  // namespace
}  // namespace headroom
