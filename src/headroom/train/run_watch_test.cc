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
    state.cut_budget = Bytes::GiB(1);
    before.Update(state);
  }
  [[nodiscard]] std::filesystem::path Page() const { return dir_.path() / kLastStateName; }
  // What the next start would find.
  [[nodiscard]] Bytes Kept() const { return ReadLastState(Page())->state.cut_budget; }
};

TEST_F(CutRunTest, ACutIsInThePageFromTheFirstMomentToTheEnd) {
  RunWatch watch(dir_.path(), "resume", budget_);
  EXPECT_EQ(Kept(), Bytes::GiB(1));
  // Applied, though the smallest settings need more.
  budget_.SetLimit(Bytes::MiB(1100), "cut after the kill");
  watch.KeepAbove(Bytes::MiB(1100), Bytes::MiB(1100));
  watch.Update(RunState());
  EXPECT_EQ(Kept(), Bytes::GiB(1));
  watch.End(RunEnd::kFinished, 0);
  EXPECT_EQ(Kept(), Bytes::GiB(1));
}

TEST_F(CutRunTest, ACutThatTheMachineIsBelowIsKept) {
  budget_.SetLimit(Bytes::MiB(900), "a smaller machine");
  RunWatch watch(dir_.path(), "resume", budget_);
  watch.KeepAbove(Bytes::MiB(300), Bytes::MiB(600));
  watch.Update(RunState());
  EXPECT_EQ(Kept(), Bytes::GiB(1));
}

TEST_F(CutRunTest, ARunThatPlansWithMoreForgetsIt) {
  RunWatch watch(dir_.path(), "resume", budget_);
  watch.KeepAbove(Bytes::MiB(300), Bytes::GiB(2));
  watch.Update(RunState());
  EXPECT_EQ(Kept(), Bytes());
}

}  // namespace
}  // namespace headroom
