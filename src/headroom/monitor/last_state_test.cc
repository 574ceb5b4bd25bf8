// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/last_state.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/strings.h"
#include "headroom/monitor/death_report.h"
#include "headroom/monitor/fake_system.h"
#include "headroom/monitor/monitor_screen.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <thread>

namespace headroom {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

RunState SomeState() {
  RunState state;
  state.phase = PlanPhase::kTrainStep;
  state.epoch = 3;
  state.epochs = 100;
  state.batch = 17;
  state.batches = 250;
  state.batch_size = 133;
  state.micro_batch = 16;
  state.workers = 4;
  state.imgsz = 640;
  state.unix_ms = 1'700'000'000'000;
  state.ledger.rows[0][static_cast<std::size_t>(MemoryTag::kActivations)] = {Bytes::MiB(900),
                                                                             Bytes::MiB(1000)};
  state.ledger.rows[0][static_cast<std::size_t>(MemoryTag::kMosaicPool)] = {Bytes::MiB(300),
                                                                            Bytes::MiB(300)};
  state.ledger.totals[0] = {Bytes::MiB(1200), Bytes::MiB(1300)};
  state.rss_anon = Bytes::MiB(1400);
  state.rss = Bytes::MiB(1500);
  state.high_water = Bytes::MiB(1600);
  state.budget = Bytes::MiB(1600);
  state.limit = Bytes::MiB(2000);
  state.limit_origin = "memory.max of /sys/fs/cgroup/job (2.00 GiB)";
  state.images_per_s = 12.5;
  state.pressure_some = 3;
  return state;
}

RunIdentity SomeIdentity() {
  RunIdentity identity;
  identity.boot_id = "boot-a";
  identity.host_name = "host-a";
  identity.pid_namespace = "pid:[1]";
  identity.pid = 4711;
  identity.start_ticks = 99;
  identity.cgroup = "/sys/fs/cgroup/job";
  identity.cgroup_v2 = true;
  identity.cgroup_identity = {27, 1234};
  identity.group_oom_kills = 2;
  identity.host_oom_kills = 5;
  identity.run_folder = "runs/detect/train";
  identity.command = "yolo train resume=True model=runs/detect/train/weights/last.pt";
  return identity;
}

PresentSystem SamePresent() {
  PresentSystem present;
  present.boot_id = "boot-a";
  present.host_name = "host-a";
  present.pid_namespace = "pid:[1]";
  present.unix_ms = SomeState().unix_ms + 3'600'000;
  present.group_oom_kills = 2;
  present.host_oom_kills = 5;
  return present;
}

TEST(LastState, ComesBackAsItWasWritten) {
  const testing::TempDir folder;
  const auto path = folder.path() / kLastStateName;
  {
    LastStateWriter writer(path, SomeIdentity());
    RunState state = SomeState();
    state.cut_budget = Bytes::MiB(1234);
    for (int i = 1; i <= 7; ++i) {
      state.batch = i;
      writer.Update(state);
      EXPECT_EQ(ReadLastState(path)->state.batch, i);
    }
  }
  const auto last = ReadLastState(path);
  ASSERT_TRUE(last) << last.error();
  EXPECT_EQ(last->identity.command, SomeIdentity().command);
  EXPECT_EQ(last->identity.group_oom_kills, 2U);
  EXPECT_EQ(last->identity.start_ticks, 99U);
  EXPECT_EQ(last->identity.cgroup_identity, SomeIdentity().cgroup_identity);
  EXPECT_EQ(last->identity.pid_namespace, "pid:[1]");
  EXPECT_EQ(last->state.limit_origin, SomeState().limit_origin);
  EXPECT_EQ(last->state.ledger.row(MemoryTag::kActivations).peak, Bytes::MiB(1000));
  EXPECT_EQ(last->state.ledger.total().now, Bytes::MiB(1200));
  EXPECT_EQ(last->state.cut_budget, Bytes::MiB(1234));
  EXPECT_DOUBLE_EQ(last->state.images_per_s, 12.5);
  EXPECT_EQ(std::filesystem::file_size(path), kLastStateSize);
}

TEST(LastState, TakesOverWhatTheMonitorSaw) {
  ResourceSample sample;
  sample.process.rss_anon = Bytes::MiB(7);
  sample.limit = Bytes::GiB(3);
  sample.budget = Bytes::GiB(2);
  sample.ledger.totals[0].now = Bytes::MiB(5);
  sample.pressure = Pressure{4, 1};
  sample.gpu = GpuSample{Bytes::GiB(24), Bytes::GiB(6), Bytes::GiB(18), 50};
  RunState state = SomeState();
  SetFromSample(state, sample, "a file", 12);
  EXPECT_EQ(state.epoch, 3);
  EXPECT_EQ(state.rss_anon, Bytes::MiB(7));
  EXPECT_EQ(state.limit, Bytes::GiB(3));
  EXPECT_EQ(state.budget, Bytes::GiB(2));
  EXPECT_EQ(state.ledger.total().now, Bytes::MiB(5));
  EXPECT_EQ(state.pressure_some, 4);
  EXPECT_EQ(state.device_used, Bytes::GiB(6));
  EXPECT_EQ(state.limit_origin, "a file");
  EXPECT_GT(state.unix_ms, SomeState().unix_ms);
}

TEST(LastState, ATornWriteLeavesTheOneBefore) {
  const testing::TempDir folder;
  const auto path = folder.path() / kLastStateName;
  RunState state = SomeState();
  LastStateWriter writer(path, SomeIdentity());
  state.batch = 1;
  writer.Update(state);
  const std::string first = *ReadFile(path);
  state.batch = 2;
  writer.Update(state);
  std::string bytes = *ReadFile(path);
  // Half of what the second update changed is undone.
  std::size_t changed = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) changed += bytes[i] != first[i] ? 1 : 0;
  std::size_t undone = 0;
  for (std::size_t i = 0; i < bytes.size() && undone < changed / 2; ++i) {
    if (bytes[i] == first[i]) continue;
    bytes[i] = first[i];
    ++undone;
  }
  const auto torn = folder.path() / "torn";
  WriteFileAtomic(torn, bytes);
  const auto last = ReadLastState(torn);
  ASSERT_TRUE(last) << last.error();
  EXPECT_EQ(last->state.batch, 1);
}

TEST(LastState, ForeignAndDamagedFilesAreSaidToBe) {
  const testing::TempDir folder;
  const auto path = folder.path() / "page";
  EXPECT_THAT(ReadLastState(path).error(), HasSubstr("No such file"));
  WriteFileAtomic(path, "short");
  EXPECT_THAT(ReadLastState(path).error(), HasSubstr("is no last-state page"));
  WriteFileAtomic(path, std::string(4096, 'x'));
  EXPECT_THAT(ReadLastState(path).error(), HasSubstr("is no last-state page"));
  {
    const LastStateWriter writer(path, SomeIdentity());
  }
  std::string bytes = *ReadFile(path);
  EXPECT_EQ(ReadLastState(path)->state.unix_ms, 0);
  bytes[20] ^= 1;
  WriteFileAtomic(path, bytes);
  EXPECT_THAT(ReadLastState(path).error(), HasSubstr("is damaged"));
  for (const char version : {char{1}, char{77}}) {
    bytes[8] = version;
    WriteFileAtomic(path, bytes);
    EXPECT_THAT(ReadLastState(path).error(), HasSubstr("another version"));
  }
  EXPECT_THROW(LastStateWriter(folder.path() / "absent" / "page", SomeIdentity()), WriteError);
}

TEST(LastState, ADiskThatIsBusyHoldsNobodyButWhoSyncs) {
  const testing::TempDir folder;
  const auto path = folder.path() / kLastStateName;
  std::promise<void> syncing;
  std::promise<void> disk_is_free;
  LastStateWriter writer(path, SomeIdentity(), [&](std::byte*, std::size_t size) {
    EXPECT_EQ(size, kLastStateSize);
    syncing.set_value();
    disk_is_free.get_future().wait();
  });
  std::jthread trainer([&] { writer.Sync(); });
  syncing.get_future().wait();
  RunState state = SomeState();
  state.batch = 18;
  writer.Update(state);
  EXPECT_EQ(ReadLastState(path)->state.batch, 18);
  EXPECT_FALSE(writer.TryUpdate([&] { return SomeState(); })) << "it might wait for the disk";
  EXPECT_EQ(ReadLastState(path)->state.batch, 18);
  disk_is_free.set_value();
  trainer.join();
  state.batch = 19;
  EXPECT_TRUE(writer.TryUpdate([&] { return state; }));
  EXPECT_EQ(ReadLastState(path)->state.batch, 19);
  // The destructor syncs again.
  syncing = {};
  disk_is_free = {};
  disk_is_free.set_value();
}

TEST(LastState, WhoCannotWaitSkipsAPageThatIsWritten) {
  const testing::TempDir folder;
  LastStateWriter writer(folder.path() / kLastStateName, SomeIdentity());
  int asked = 0;
  writer.Update([&] {
    EXPECT_FALSE(writer.TryUpdate([&] {
      ++asked;
      return RunState();
    }));
    return SomeState();
  });
  EXPECT_EQ(asked, 0);
  // A state that cannot be had leaves the page to the next.
  EXPECT_THROW(writer.Update([]() -> RunState { throw std::bad_alloc(); }), std::bad_alloc);
  EXPECT_TRUE(writer.TryUpdate(SomeState));
  EXPECT_EQ(ReadLastState(folder.path() / kLastStateName)->state.batch, SomeState().batch);
}

TEST(LastState, LongTextsAreCut) {
  const testing::TempDir folder;
  RunState state = SomeState();
  state.note = std::string(5000, 'n');
  LastStateWriter writer(folder.path() / "page", SomeIdentity());
  writer.Update(state);
  const auto last = ReadLastState(folder.path() / "page");
  EXPECT_GT(last->state.note.size(), 150U);
  EXPECT_EQ(last->state.limit_origin, state.limit_origin);
}

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
  present.host_oom_kills = 6;
  EXPECT_EQ(DecideFate(last, present), RunFate::kOomKilled);
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
  const LastState last{SomeIdentity(), SomeState()};
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
    last.identity.pid = 999'999'999;  // None in the made-up /proc.
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
  EXPECT_EQ(report.cut_budget, Scale(Bytes::MiB(1400), 0.8));
  EXPECT_THAT(text, HasSubstr("plans again within 1.09 GiB instead of 1.56 GiB"));
  EXPECT_THAT(text, HasSubstr("yolo train resume=True"));
  EXPECT_EQ(ExplainDeath({SomeIdentity(), SomeState()}, SamePresent()).cut_budget, Bytes());
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
  last.state.cut_budget = Bytes::MiB(1024);
  PresentSystem present = SamePresent();
  present.has_checkpoint = true;
  const DeathReport killed = ExplainDeath(last, present);
  EXPECT_EQ(killed.cut_budget, Bytes::MiB(1024));
  EXPECT_THAT(killed.Text(),
              AllOf(HasSubstr("within the 1.00 GiB that an earlier kill for memory has left"),
                    Not(HasSubstr("same budget"))));
  for (const RunFate fate : {RunFate::kFinished, RunFate::kFailed, RunFate::kElsewhere})
    EXPECT_EQ(CutBudgetAfter(last, fate), Bytes::MiB(1024));
  // The next kill cuts more, and never less.
  EXPECT_EQ(CutBudgetAfter(last, RunFate::kOomKilled), Bytes::MiB(1024));
  last.state.rss_anon = last.state.ledger.totals[0].now = Bytes::MiB(1000);
  EXPECT_EQ(CutBudgetAfter(last, RunFate::kOomKilled), Bytes::MiB(800));
  // Killed before the first sample: what it held is not known.
  last.state.budget = Bytes();
  EXPECT_EQ(CutBudgetAfter(last, RunFate::kOomKilled), Bytes::MiB(1024));
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
