// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/run_liveness.h"

#include "headroom/core/error.h"
#include "headroom/monitor/fake_system.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>

#include <vector>

namespace headroom {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Time that passes only while somebody waits, and what happens meanwhile.
class PassingClock final : public MonitorClock {
 public:
  [[nodiscard]] double Now() override { return now_; }
  bool WaitUntil(double seconds, std::stop_token /*stop*/) override {
    now_ = seconds;
    if (meanwhile) meanwhile();
    return true;
  }
  std::function<void()> meanwhile;

 private:
  double now_ = 100;
};

class AwaitEndOfRunTest : public ::testing::Test {
 protected:
  AwaitEndOfRunTest() {
    system_.Host(20000, 300);
    system_.Write("/proc/sys/kernel/random/boot_id", "boot-a\n");
    SetNamespace("pid:[1]");
    identity_ = IdentifyThisProcess(system_.root());
    identity_.host_name = "host-a";
    identity_.pid = 4711;
    identity_.start_ticks = 987654;  // As in the made-up /proc.
  }
  void SetNamespace(const char* name) const {
    const auto link = system_.root().At("/proc/self/ns/pid");
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::remove(link);
    std::filesystem::create_symlink(name, link);
  }
  // A process with the page's pid is there.
  void AddProcess() {
    system_.Write("/proc/4711/status", "Name:\tyolo\nState:\tR (running)\n");
    system_.Write("/proc/4711/stat",
                  "4711 (yolo) S 1 77 77 0 -1 4194560 1200 0 34 0 250 50 0 0 20 0 3 0 987654 1000 "
                  "100 18446744073709551615\n");
  }
  void WritePage(std::int64_t age_ms, RunEnd end = RunEnd::kNone) {
    if (!writer_) writer_.emplace(page(), identity_);
    RunState state;
    state.unix_ms = UnixMilliseconds() - age_ms;
    state.end = end;
    writer_->Update(state);
  }
  [[nodiscard]] std::filesystem::path page() const { return folder_.path() / kLastStateName; }
  // The error's text, or nothing.
  std::string Await() {
    try {
      AwaitEndOfRun(
          page(), clock_, [this](const std::string& text) { told_.push_back(text); },
          system_.root());
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }

  testing::FakeSystem system_;
  testing::TempDir folder_;
  RunIdentity identity_;
  std::optional<LastStateWriter> writer_;
  PassingClock clock_;
  std::vector<std::string> told_;
};

TEST_F(AwaitEndOfRunTest, ARunThatIsSeenIsNotGoneOnWith) {
  AddProcess();
  WritePage(3'600'000);  // Stopped by a debugger, say: it is there all the same.
  EXPECT_THAT(Await(), AllOf(HasSubstr("process 4711"), HasSubstr("kill -INT 4711"),
                             HasSubstr("without resume=True")));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(AwaitEndOfRunTest, ARunWhoseProcessIsGoneIsOverAtOnce) {
  WritePage(0);
  EXPECT_EQ(Await(), "");
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_EQ(clock_.Now(), 100);
}

TEST_F(AwaitEndOfRunTest, ARunThatSaidItsEndIsOver) {
  AddProcess();
  WritePage(0, RunEnd::kFailed);
  EXPECT_EQ(Await(), "");
}

TEST_F(AwaitEndOfRunTest, WithoutAPageThereIsNothingToWaitFor) { EXPECT_EQ(Await(), ""); }

TEST_F(AwaitEndOfRunTest, OfAnotherContainerThePageMustFallSilent) {
  WritePage(10'000);
  SetNamespace("pid:[2]");
  EXPECT_EQ(Await(), "");
  EXPECT_THAT(told_, ElementsAre(AllOf(HasSubstr("process 4711 of host host-a"),
                                       HasSubstr("waiting up to 30 s"))));
  EXPECT_GE(clock_.Now(), 119);
  EXPECT_LE(clock_.Now(), 121);
}

TEST_F(AwaitEndOfRunTest, OfAnotherContainerAnOldPageIsOver) {
  WritePage(31'000);
  SetNamespace("pid:[2]");
  EXPECT_EQ(Await(), "");
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(AwaitEndOfRunTest, APageThatIsStillWrittenIsOfALivingRun) {
  WritePage(500);
  SetNamespace("pid:[2]");
  // Each write has another time: the clock of the page's host stands still here.
  clock_.meanwhile = [this, age_ms = std::int64_t{500}]() mutable { WritePage(--age_ms); };
  EXPECT_THAT(Await(), AllOf(HasSubstr("cannot be seen from here, writes to it"),
                             HasSubstr("without resume=True")));
  EXPECT_EQ(told_.size(), 1U);
  EXPECT_LE(clock_.Now(), 131);
}

TEST_F(AwaitEndOfRunTest, ARunThatEndsMeanwhileIsGoneOnWith) {
  WritePage(500);
  SetNamespace("pid:[2]");
  clock_.meanwhile = [this] { WritePage(0, RunEnd::kFinished); };
  EXPECT_EQ(Await(), "");
  EXPECT_EQ(clock_.Now(), 101);
}

TEST_F(AwaitEndOfRunTest, AClockThatIsAheadDoesNotKeepARunAlive) {
  WritePage(-3'600'000);
  SetNamespace("pid:[2]");
  EXPECT_EQ(Await(), "");
  EXPECT_LE(clock_.Now(), 131);
}

}  // namespace
}  // namespace headroom
