// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/death_report.h"

#include "headroom/monitor/fake_system.h"
#include "headroom/monitor/some_run.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace headroom {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SamePresent;
using testing::SomeIdentity;
using testing::SomeState;

TEST(DeathReport, TellsTheFatesApart) {
  const LastState last{SomeIdentity(), SomeState()};
  PresentSystem present = SamePresent();
  EXPECT_EQ(DecideFate(last, present), RunFate::kKilled);
  present.start_ticks = 99;
  EXPECT_EQ(DecideFate(last, present), RunFate::kRunning);
  present.start_ticks = 100;  // The pid was given to another process.
  EXPECT_EQ(DecideFate(last, present), RunFate::kKilled);
  present.group_oom_kills = 3;
  EXPECT_EQ(DecideFate(last, present), RunFate::kOomKilled);
  present.group_oom_kills = std::nullopt;  // The container is gone.
  EXPECT_EQ(DecideFate(last, present), RunFate::kKilled);
  present.boot_id = "boot-b";
  EXPECT_EQ(DecideFate(last, present), RunFate::kRebooted);
  present.host_name = "host-b";
  EXPECT_EQ(DecideFate(last, present), RunFate::kElsewhere);
}

TEST(DeathReport, AnotherGroupsKillIsNotOurs) {
  const LastState last{SomeIdentity(), SomeState()};
  PresentSystem present = SamePresent();
  present.host_oom_kills = 9;
  EXPECT_EQ(DecideFate(last, present), RunFate::kKilled);
}

TEST(DeathReport, ARunInAnotherContainerLivesAsLongAsItWrites) {
  LastState last{SomeIdentity(), SomeState()};
  last.state.rss_anon = Bytes::MiB(1700);  // Near its limit.
  PresentSystem present = SamePresent();
  present.pid_namespace = "pid:[2]";
  EXPECT_EQ(DecideFate(last, present), RunFate::kElsewhere);
  present.unix_ms = SomeState().unix_ms + 20'000;
  EXPECT_EQ(DecideFate(last, present), RunFate::kRunning);
  // Another container sees no group of it, and counts everybody's kills.
  present.group_oom_kills = std::nullopt;
  present.host_oom_kills = 6;
  present.unix_ms = SomeState().unix_ms + 2000;
  EXPECT_EQ(DecideFate(last, present), RunFate::kRunning);
  present.unix_ms = SomeState().unix_ms + 6000;
  EXPECT_EQ(DecideFate(last, present), RunFate::kOomKilled);
}

// A container with a cgroup namespace of its own: its group is at the mount point, whatever its
// name outside.
class Container : public ::testing::Test {
 protected:
  Container() {
    system_.Host(20000, 300);
    system_.Write("/proc/sys/kernel/random/boot_id", "boot-a\n");
    system_.Write("/proc/self/cgroup", "0::/\n");
    system_.Write("/proc/self/mountinfo",
                  "31 25 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n");
    Start("pid:[1]", 7);
  }
  // What is seen from a container that has just begun.
  void Start(const char* pid_namespace, int host_kills) {
    const auto link = system_.root().At("/proc/self/ns/pid");
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::remove(link);
    std::filesystem::create_symlink(pid_namespace, link);
    // The old folder stays, elsewhere: its number shall not be given again.
    const auto group = system_.root().At("/sys/fs/cgroup");
    if (std::filesystem::exists(group))
      std::filesystem::rename(group, system_.root().At("/sys/fs/old"));
    system_.Write("/sys/fs/cgroup/memory.current", "1000\n");
    system_.Write("/sys/fs/cgroup/memory.events", "oom 0\noom_kill 0\n");
    system_.Write("/proc/vmstat", "pgfault 1\noom_kill " + std::to_string(host_kills) + "\n");
  }
  [[nodiscard]] LastState Page() const {
    LastState last{IdentifyThisProcess(system_.root()), SomeState()};
    last.state.rss_anon = Bytes::MiB(1700);  // Near its limit.
    last.identity.pid = 999'999'999;         // None in the made-up /proc.
    return last;
  }
  [[nodiscard]] RunFate Fate(const LastState& last) const {
    return DecideFate(last, LookAtPresent(last.identity, system_.root()));
  }
  testing::FakeSystem system_;
};

TEST_F(Container, AKillIsRecognisedFromTheNextStart) {
  const LastState last = Page();
  EXPECT_EQ(last.identity.group_oom_kills, 0U);
  EXPECT_EQ(last.identity.host_oom_kills, 7U);
  EXPECT_NE(last.identity.cgroup_identity, CgroupIdentity());
  Start("pid:[2]", 8);
  EXPECT_EQ(LookAtPresent(last.identity, system_.root()).group_oom_kills, std::nullopt);
  EXPECT_EQ(Fate(last), RunFate::kOomKilled);
}

TEST_F(Container, AKillIsRecognisedWhereTheNamespacesNumberIsUsedAgain) {
  const LastState last = Page();
  Start("pid:[1]", 8);
  EXPECT_EQ(Fate(last), RunFate::kOomKilled);
}

TEST_F(Container, AnotherEndIsNotTakenForAKillForMemory) {
  const LastState last = Page();
  Start("pid:[2]", 7);
  EXPECT_EQ(Fate(last), RunFate::kElsewhere);
}

TEST_F(Container, ItsOwnCountIsBelievedWhileItsGroupIsThere) {
  const LastState last = Page();
  system_.Write("/proc/vmstat", "oom_kill 8\n");
  EXPECT_EQ(LookAtPresent(last.identity, system_.root()).group_oom_kills, 0U);
  EXPECT_EQ(Fate(last), RunFate::kKilled);
  system_.Write("/sys/fs/cgroup/memory.events", "oom 1\noom_kill 1\n");
  EXPECT_EQ(Fate(last), RunFate::kOomKilled);
}

TEST(DeathReport, AnEndThatWasSaidIsBelieved) {
  LastState last{SomeIdentity(), SomeState()};
  PresentSystem present = SamePresent();
  present.group_oom_kills = 9;
  last.state.end = RunEnd::kFinished;
  EXPECT_EQ(ExplainDeath(last, present).lines.size(), 1U);
  last.state.end = RunEnd::kFailed;
  last.state.exit_code = 4;
  EXPECT_THAT(ExplainDeath(last, present).Text(), HasSubstr("exit code 4"));
}

TEST(DeathReport, SaysWhatWasHeldTheLimitAndWhatChanges) {
  PresentSystem present = SamePresent();
  present.group_oom_kills = 3;
  const DeathReport report = ExplainDeath({SomeIdentity(), SomeState()}, present);
  const std::string text = report.Text();
  EXPECT_THAT(text, HasSubstr("runs/detect/train (pid 4711) was killed by the kernel for memory"));
  EXPECT_THAT(text, HasSubstr("oom_kill count of /sys/fs/cgroup/job"));
  EXPECT_THAT(text, HasSubstr("2023-11-14 22:13:20 UTC in train step, epoch 3/100, batch 17/250; "
                              "batch=133 as micro-batches of 16"));
  EXPECT_THAT(text, HasSubstr("It held 1.37 GiB (1.46 GiB resident, peak 1.56 GiB): activations "
                              "900 MiB, mosaic pool 300 MiB, unaccounted 200 MiB."));
  EXPECT_THAT(text,
              HasSubstr("the limit was 1.95 GiB (memory.max of /sys/fs/cgroup/job (2.00 GiB))"));
  EXPECT_EQ(report.lesson.cut_budget, Scale(Bytes::MiB(1400), 0.8));
  EXPECT_THAT(text, HasSubstr("plans again within 1.09 GiB instead of 1.56 GiB"));
  EXPECT_THAT(text, HasSubstr("yolo train resume=True"));
  EXPECT_EQ(ExplainDeath({SomeIdentity(), SomeState()}, SamePresent()).lesson, KillLesson());
}

TEST(DeathReport, WhatItHeldIsTheSumOfItsRows) {
  // Libraries are pages of files: rows that count them are more than what is anonymous.
  LastState last{SomeIdentity(), SomeState()};
  last.state.rss_anon = Bytes::MiB(500);
  EXPECT_THAT(ExplainDeath(last, SamePresent()).Text(),
              HasSubstr("It held 1.17 GiB (1.46 GiB resident, peak 1.56 GiB): activations 900 MiB, "
                        "mosaic pool 300 MiB."));
}

TEST(DeathReport, ACutOutlivesTheRunsThatComeAfterIt) {
  LastState last{SomeIdentity(), SomeState()};
  last.state.lesson.cut_budget = Bytes::MiB(1024);
  PresentSystem present = SamePresent();
  present.has_checkpoint = true;
  const DeathReport killed = ExplainDeath(last, present);
  EXPECT_EQ(killed.lesson.cut_budget, Bytes::MiB(1024));
  EXPECT_THAT(killed.Text(),
              AllOf(HasSubstr("within the 1.00 GiB that an earlier kill for memory has left"),
                    Not(HasSubstr("same budget"))));
  for (const RunFate fate : {RunFate::kFinished, RunFate::kFailed, RunFate::kElsewhere})
    EXPECT_EQ(LessonAfter(last, {.fate = fate}, Bytes::Max()).cut_budget, Bytes::MiB(1024));
  // The next kill cuts more, and never less.
  EXPECT_EQ(LessonAfter(last, {.fate = RunFate::kOomKilled}, Bytes::Max()).cut_budget,
            Bytes::MiB(1024));
  last.state.rss_anon = last.state.ledger.totals[0].now = Bytes::MiB(1000);
  EXPECT_EQ(LessonAfter(last, {.fate = RunFate::kOomKilled}, Bytes::Max()).cut_budget,
            Bytes::MiB(800));
  // Killed before the first sample: what it held is not known.
  last.state.budget = Bytes();
  EXPECT_EQ(LessonAfter(last, {.fate = RunFate::kOomKilled}, Bytes::Max()).cut_budget,
            Bytes::MiB(1024));
}

TEST(DeathReport, SaysWhetherThereIsACheckpointToGoOnFrom) {
  PresentSystem present = SamePresent();
  const LastState last{SomeIdentity(), SomeState()};
  EXPECT_THAT(ExplainDeath(last, present).Text(),
              HasSubstr("resume=True begins again: no checkpoint had been saved yet."));
  present.has_checkpoint = true;
  EXPECT_THAT(ExplainDeath(last, present).Text(),
              HasSubstr("resume=True goes on from the last checkpoint with the same budget."));
  present.group_oom_kills = 3;
  EXPECT_THAT(ExplainDeath(last, present).Text(),
              HasSubstr("instead of 1.56 GiB and goes on from the last checkpoint."));
  // Killed before the first sample.
  EXPECT_THAT(ExplainDeath({SomeIdentity(), RunState()}, SamePresent()).Text(),
              AllOf(HasSubstr("before it had written anything"), HasSubstr("resume=True begins")));
}

// The host's count alone: a container was started again, or the group was made for the run.
PresentSystem AfterSomebodysKill() {
  PresentSystem present = SamePresent();
  present.group_oom_kills = std::nullopt;
  present.host_oom_kills = 6;
  present.limit = SomeState().limit;
  return present;
}

TEST(Judge, SomebodysKillIsNotOursWhereThereWasRoom) {
  // 340 MiB of 960 held, nobody took any, and another container was killed since: kill -9.
  LastState last{SomeIdentity(), SomeState()};
  last.state.limit = Bytes::MiB(960);
  last.state.rss_anon = Bytes::MiB(340);
  last.state.ledger = {};
  last.state.budget = Bytes::MiB(768);
  PresentSystem present = AfterSomebodysKill();
  const Verdict verdict = Judge(last, present);
  EXPECT_EQ(verdict.fate, RunFate::kKilled);
  EXPECT_TRUE(verdict.is_guess);
  const DeathReport report = ExplainDeath(last, present);
  EXPECT_EQ(report.lesson.cut_budget, Bytes());
  EXPECT_EQ(report.lesson.kills, 1);
  EXPECT_THAT(report.Text(),
              AllOf(HasSubstr("was killed, probably not by the kernel for memory (the kernel has "
                              "killed somebody on this host for memory since, but 620 MiB of its "
                              "limit of 960 MiB was free when it was last seen)"),
                    HasSubstr("resume=True begins again")));
  // The same end twice is no accident.
  last.state.lesson = report.lesson;
  EXPECT_EQ(Judge(last, present).fate, RunFate::kOomKilled);
  EXPECT_THAT(ExplainDeath(last, present).Text(), HasSubstr("the run before it ended in the same"));
}

TEST(Judge, WhatSpeaksForAKillOfOursIsSaid) {
  const PresentSystem present = AfterSomebodysKill();
  const auto judged = [&](const std::function<void(RunState&)>& change, const char* why) {
    LastState last{SomeIdentity(), SomeState()};
    last.state.rss_anon = Bytes::MiB(1000);  // Half of the limit.
    EXPECT_EQ(Judge(last, present).fate, RunFate::kKilled);
    change(last.state);
    EXPECT_EQ(Judge(last, present).fate, RunFate::kOomKilled);
    EXPECT_TRUE(Judge(last, present).is_guess);
    EXPECT_THAT(ExplainDeath(last, present).Text(),
                AllOf(HasSubstr("was probably killed by the kernel for memory"), HasSubstr(why)));
  };
  judged([](RunState& s) { s.rss_anon = Bytes::MiB(1700); }, "only 300 MiB of its limit");
  judged([](RunState& s) { s.limit_falls_per_s = 400e6; }, "others took it");
  judged([](RunState& s) { s.pressure_some = 35; }, "waited for memory 35 %");
  judged([](RunState& s) { s.limit = Bytes(); }, "had not looked at its limit yet");
}

TEST(Judge, OnlyWhatWasCountedAfterTheLastLookCounts) {
  LastState last{SomeIdentity(), SomeState()};
  last.state.rss_anon = Bytes::MiB(1900);
  last.state.host_oom_kills = 6;
  EXPECT_FALSE(Judge(last, AfterSomebodysKill()).kill_counted) << "it was alive after that one";
  last.state.group_oom_kills = 3;
  PresentSystem present = SamePresent();
  present.group_oom_kills = 3;
  EXPECT_EQ(DecideFate(last, present), RunFate::kKilled);
  present.group_oom_kills = 4;
  EXPECT_EQ(DecideFate(last, present), RunFate::kOomKilled);
}

KernelLog LogWith(std::int64_t pid, const char* name, const char* group = "") {
  KernelLog log;
  log.from_unix_ms = SomeState().unix_ms - 10'000'000;
  log.kills.push_back({.pid = pid,
                       .name = name,
                       .group = group,
                       .anonymous = Bytes::MiB(1900),
                       .unix_ms = SomeState().unix_ms + 900});
  return log;
}

TEST(Judge, TheKernelsLogDecidesWhereItNamesProcesses) {
  LastState last{SomeIdentity(), SomeState()};
  last.identity.pid_namespace = "pid:[4026531836]";
  PresentSystem present = AfterSomebodysKill();
  present.pid_namespace = last.identity.pid_namespace;
  present.kernel_log = LogWith(4711, "yolo");
  const Verdict ours = Judge(last, present);
  EXPECT_EQ(ours.fate, RunFate::kOomKilled);
  EXPECT_FALSE(ours.is_guess);
  EXPECT_EQ(ours.held_at_death, Bytes::MiB(1900));
  EXPECT_THAT(ExplainDeath(last, present).Text(),
              HasSubstr("was killed by the kernel for memory: its log says so, and that it held "
                        "1.86 GiB"));
  // Near the limit or not: the log names another.
  last.state.rss_anon = Bytes::MiB(1950);
  present.kernel_log = LogWith(4712, "yolo");
  const Verdict other = Judge(last, present);
  EXPECT_EQ(other.fate, RunFate::kKilled);
  EXPECT_FALSE(other.is_guess);
  EXPECT_THAT(ExplainDeath(last, present).Text(), HasSubstr("(its log names others)"));
  // A log that begins later says nothing of the time before.
  present.kernel_log->kills.clear();
  present.kernel_log->from_unix_ms = SomeState().unix_ms + 5000;
  EXPECT_EQ(Judge(last, present).fate, RunFate::kOomKilled);
  EXPECT_TRUE(Judge(last, present).is_guess);
}

TEST(Judge, InAContainerTheLogNamesGroupsAndPrograms) {
  LastState last{SomeIdentity(), SomeState()};  // Held little: nothing else speaks for a kill.
  last.state.rss_anon = Bytes::MiB(500);
  PresentSystem present = AfterSomebodysKill();
  present.kernel_log = LogWith(90001, "yolo", "/job");
  EXPECT_EQ(Judge(last, present).fate, RunFate::kOomKilled);
  EXPECT_FALSE(Judge(last, present).is_guess);
  present.kernel_log = LogWith(90001, "yolo", "/another");
  EXPECT_EQ(Judge(last, present).fate, RunFate::kOomKilled);
  EXPECT_TRUE(Judge(last, present).is_guess);
  present.kernel_log = LogWith(90001, "java", "/another");
  EXPECT_EQ(Judge(last, present).fate, RunFate::kKilled);
  present.kernel_log->kills[0].unix_ms -= 3'600'000;
  present.kernel_log->kills[0].name = "yolo";
  EXPECT_EQ(Judge(last, present).fate, RunFate::kKilled) << "an hour before";
}

TEST(KernelLog, KillsAreRead) {
  const KernelLog log = ParseKernelLog(
      "6,339,5140900,-;NET: Registered protocol family\n SUBSYSTEM=net\n"
      "4,1001,2000000,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed="
      "0,oom_memcg=/docker/abc,task_memcg=/docker/abc,task=yolo,pid=812,uid=0\n"
      "3,1002,2000100,-;Memory cgroup out of memory: Killed process 812 (yolo) total-vm:912340kB, "
      "anon-rss:1024kB, file-rss:77kB, shmem-rss:0kB, UID:0 pgtables:1228kB oom_score_adj:0\n"
      "3,1003,3000000,-;Out of memory: Killed process 5 (a (b) c) total-vm:1kB, anon-rss:2kB, x\n"
      "3,1004,broken\nKilled process\n3,1005,4,-;Killed process 7\n",
      1'700'000'000'000);
  EXPECT_EQ(log.from_unix_ms, 1'700'000'005'140);
  ASSERT_EQ(log.kills.size(), 2U);
  EXPECT_EQ(log.kills[0].pid, 812);
  EXPECT_EQ(log.kills[0].name, "yolo");
  EXPECT_EQ(log.kills[0].group, "/docker/abc");
  EXPECT_EQ(log.kills[0].anonymous, Bytes::MiB(1));
  EXPECT_EQ(log.kills[0].unix_ms, 1'700'000'002'000);
  EXPECT_EQ(log.kills[1].name, "a (b) c");
  EXPECT_EQ(log.kills[1].group, "");
  EXPECT_TRUE(ParseKernelLog("", 0).kills.empty());
}

TEST(KernelLog, IsNothingWhereItCannotBeRead) {
  testing::FakeSystem system;
  EXPECT_FALSE(ReadKernelLog(system.root()));
  system.Write("/dev/kmsg", "3,1,1000,-;Out of memory: Killed process 5 (x) total-vm:1kB, y\n");
  ASSERT_TRUE(ReadKernelLog(system.root()));
  EXPECT_EQ(ReadKernelLog(system.root())->kills.size(), 1U);
}

// A run with a plan, near its limit of 2000 MiB.
LastState PlannedRun() {
  LastState last{SomeIdentity(), SomeState()};
  last.state.planned = {Bytes::MiB(300), Bytes::MiB(1550), Bytes::MiB(1580), Bytes::MiB(1500),
                        Bytes::MiB(700)};
  last.state.high_water = Bytes::MiB(1540);
  last.state.smallest = Bytes::MiB(600);
  last.state.limit_set = Bytes::MiB(2048);
  return last;
}

constexpr auto kStep = static_cast<std::size_t>(PlanPhase::kTrainStep);

TEST(LessonAfter, WhatWasHeldBeyondThePlanIsLeftFree) {
  LastState last = PlannedRun();
  const Verdict killed{.fate = RunFate::kOomKilled};
  EXPECT_EQ(LessonAfter(last, killed, Bytes()).unplanned, PhaseBytes{});
  // As the page saw it: 50 MiB more than the step's plan, or more than any phase's.
  last.state.rss = Bytes::MiB(1600);
  EXPECT_EQ(LessonAfter(last, killed, Bytes()).unplanned[kStep], Bytes::MiB(50));
  last.state.high_water = Bytes::MiB(1700);
  EXPECT_EQ(LessonAfter(last, killed, Bytes()).unplanned[kStep], Bytes::MiB(120));
  // As the log saw it: a spike between two looks, with 200 MiB of files beside it.
  const Verdict seen{.fate = RunFate::kOomKilled, .held_at_death = Bytes::MiB(1800)};
  EXPECT_EQ(LessonAfter(last, seen, Bytes()).unplanned[kStep], Bytes::MiB(450));
  // The set-up ends with a step.
  last.state.phase = PlanPhase::kSetup;
  EXPECT_EQ(LessonAfter(last, seen, Bytes()).unplanned[kStep], Bytes::MiB(450));
  // Another end teaches nothing.
  EXPECT_EQ(LessonAfter(last, {.fate = RunFate::kKilled}, Bytes()), KillLesson());
  last.state.planned = {};
  EXPECT_EQ(LessonAfter(last, seen, Bytes()).unplanned, PhaseBytes{});
}

TEST(LessonAfter, WhatTheWatchLoweredIsNotWhatTheRunWasPlannedWith) {
  // A neighbour came, the budget was lowered, and the kernel was faster than the run.
  LastState last = PlannedRun();
  last.state.budget = Bytes::MiB(461);
  const Verdict killed{.fate = RunFate::kOomKilled};
  EXPECT_EQ(LessonAfter(last, killed, Bytes()).cut_budget, Scale(Bytes::MiB(1400), 0.8));
  last.state.planned = {};
  EXPECT_EQ(LessonAfter(last, killed, Bytes()).cut_budget, Scale(Bytes::MiB(461), 0.8));
}

TEST(LessonAfter, ASecondKillNeverMeetsTheSamePlan) {
  LastState last = PlannedRun();
  const Verdict killed{.fate = RunFate::kOomKilled};
  const KillLesson first = LessonAfter(last, killed, Bytes());
  EXPECT_EQ(first.kills, 1);
  EXPECT_EQ(first.cut_budget, Scale(Bytes::MiB(1400), 0.8));
  // The resumed run held no more than the smallest settings, and died of what nobody saw.
  last.state.lesson = first;
  last.state.budget = last.state.planned[kStep] = Bytes::MiB(600);
  last.state.planned = {Bytes::MiB(300), Bytes::MiB(600), Bytes::MiB(600), Bytes::MiB(550),
                        Bytes::MiB(500)};
  last.state.rss = last.state.high_water = Bytes::MiB(590);
  last.state.rss_anon = Bytes::MiB(500);
  const KillLesson second = LessonAfter(last, killed, Bytes());
  EXPECT_EQ(second.kills, 2);
  EXPECT_EQ(second.unplanned[kStep], Bytes::MiB(2000 - 600)) << "all that it could hold";
  // Where the kernel says how much it was, that is what counts.
  const KillLesson known =
      LessonAfter(last, {.fate = RunFate::kOomKilled, .held_at_death = Bytes::MiB(900)}, Bytes());
  EXPECT_EQ(known.unplanned[kStep], Bytes::MiB(900 + 90 - 600));
  const DeathReport report = [&] {
    PresentSystem present = SamePresent();
    present.group_oom_kills = 3;
    return ExplainDeath(last, present);
  }();
  EXPECT_THAT(report.Text(), HasSubstr("It held 1.37 GiB more than its plan for train step"));
}

TEST(LessonAfter, AGuessIsDroppedWhereThereIsMore) {
  LastState last = PlannedRun();
  const Verdict guess{.fate = RunFate::kOomKilled, .is_guess = true};
  const KillLesson cut = LessonAfter(last, guess, Bytes::MiB(2048));
  EXPECT_TRUE(cut.doubtful);
  EXPECT_EQ(cut.cut_budget, Scale(Bytes::MiB(1400), 0.8));
  EXPECT_EQ(cut.limit, Bytes::MiB(2048));
  EXPECT_EQ(LessonAfter(last, guess, Bytes::MiB(4096)).cut_budget, Bytes());
  // An earlier guess, too; not what was seen.
  last.state.lesson = cut;
  const Verdict ended{.fate = RunFate::kFailed};
  EXPECT_EQ(LessonAfter(last, ended, Bytes::MiB(2000)), cut);
  EXPECT_EQ(LessonAfter(last, ended, Bytes::MiB(4096)), KillLesson{.kills = 1});
  last.state.lesson.doubtful = false;
  EXPECT_EQ(LessonAfter(last, ended, Bytes::MiB(4096)).cut_budget, cut.cut_budget);
}

TEST(DeathReport, SaysWhatAResumeWillReallyPlanWithin) {
  LastState last = PlannedRun();
  PresentSystem present = SamePresent();
  present.group_oom_kills = 3;
  EXPECT_THAT(ExplainDeath(last, present).Text(), HasSubstr("plans again within 1.09 GiB instead"));
  last.state.smallest = Bytes::MiB(1300);
  EXPECT_THAT(ExplainDeath(last, present).Text(),
              HasSubstr("plans again within 1.27 GiB instead of 1.56 GiB (what the smallest "
                        "settings need; 1.09 GiB was wanted) and begins again"));
}

TEST(DeathReport, FindsThePagesOfAProject) {
  const testing::TempDir project;
  for (const char* run : {"train", "train2"}) {
    std::filesystem::create_directories(project.path() / run);
    const LastStateWriter writer(project.path() / run / kLastStateName, SomeIdentity());
  }
  std::filesystem::create_directories(project.path() / "val");
  const auto now = std::filesystem::file_time_type::clock::now();
  std::filesystem::last_write_time(project.path() / "train" / kLastStateName,
                                   now + std::chrono::hours(1));
  EXPECT_THAT(FindLastStates(project.path()),
              ElementsAre(project.path() / "train" / kLastStateName,
                          project.path() / "train2" / kLastStateName));
  EXPECT_TRUE(FindLastStates(project.path() / "absent").empty());
}

TEST(DeathReport, KillNineInTheMiddleOfWritingIsExplained) {
  const testing::TempDir folder;
  const auto path = folder.path() / kLastStateName;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    RunIdentity identity = IdentifyThisProcess();
    identity.run_folder = folder.path().string();
    LastStateWriter writer(path, identity);
    RunState state = SomeState();
    for (state.batch = 1;; ++state.batch) writer.Update(state);
  }
  // Until it writes; the page appears whole.
  while (true) {
    const auto last = ReadLastState(path);
    if (last && last->state.batch > 1000) break;
    ::usleep(1000);
  }
  const auto alive = ReadLastState(path);
  EXPECT_EQ(DecideFate(*alive, LookAtPresent(alive->identity)), RunFate::kRunning);
  ::kill(child, SIGKILL);
  ::siginfo_t info;
  ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  const auto last = ReadLastState(path);
  ASSERT_TRUE(last) << last.error();
  EXPECT_EQ(last->identity.pid, child);
  EXPECT_EQ(DecideFate(*last, LookAtPresent(last->identity)), RunFate::kKilled)
      << "a zombie is dead";
  ::waitpid(child, nullptr, 0);
  const DeathReport report = ExplainDeath(*last, LookAtPresent(last->identity));
  EXPECT_EQ(report.fate, RunFate::kKilled);
  EXPECT_THAT(report.Text(), HasSubstr("kill -9"));
  EXPECT_THAT(report.Text(), HasSubstr("activations 900 MiB"));
}

}  // namespace
}  // namespace headroom
