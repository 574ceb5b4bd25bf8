// SPDX-License-Identifier: Apache-2.0
// Real limits and real kills: needs the right to create memory cgroups, skips with the reason else.
#include "headroom/memory/block_cache.h"
#include "headroom/monitor/death_report.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/monitor/give_way.h"
#include "headroom/monitor/system_source.h"
#include "headroom/testing/temp_dir.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>

namespace headroom {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

// A memory cgroup of our own below the one that we are in; removed at the end.
class RealCgroup {
 public:
  explicit RealCgroup(const std::string& name, const RealCgroup* parent = nullptr) {
    if (parent != nullptr) {
      v2_ = parent->v2_;
      Create(parent->path_ / name);
      return;
    }
    const CgroupMembership groups = FindCgroups(SystemRoot());
    if (groups.memory.empty()) {
      why_not_ = "no memory cgroup is mounted";
      return;
    }
    v2_ = groups.memory.back().version == CgroupVersion::kV2;
    Create(groups.memory.back().real / (name + std::to_string(::getpid())));
    // A v2 group without the controller has no such file.
    if (why_not_.empty() && !std::filesystem::exists(path_ / LimitFile()))
      why_not_ = "no memory controller below " + path_.string();
  }
  ~RealCgroup() {
    if (!path_.empty()) ::rmdir(path_.c_str());
  }
  RealCgroup(const RealCgroup&) = delete;
  RealCgroup& operator=(const RealCgroup&) = delete;

  [[nodiscard]] const std::string& why_not() const { return why_not_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void SetLimit(Bytes limit) const {
    std::ofstream(path_ / LimitFile()) << limit.count() << std::flush;
  }
  [[nodiscard]] std::string LimitFile() const {
    return v2_ ? "memory.max" : "memory.limit_in_bytes";
  }
  // In a child: moves it here.
  void Enter() const { std::ofstream(path_ / "cgroup.procs") << ::getpid() << std::flush; }

 private:
  void Create(const std::filesystem::path& path) {
    if (::mkdir(path.c_str(), 0755) != 0) {
      why_not_ = "cannot create " + path.string() + ": " + std::strerror(errno);
      return;
    }
    path_ = path;
  }
  std::filesystem::path path_;
  std::string why_not_;
  bool v2_ = false;
};

#define NEEDS(group) \
  if (!(group).why_not().empty()) GTEST_SKIP() << (group).why_not()

// Exact sizes mean nothing where the sanitizer's own memory is in the group, too.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NEEDS_EXACT_SIZES() GTEST_SKIP() << "a sanitizer's shadow memory is charged to the group"
#else
#define NEEDS_EXACT_SIZES()
#endif

// A child in the group; runs the work and then waits to be killed, or ends with the work's result.
class Child {
 public:
  Child(const RealCgroup& group, const std::function<int()>& work) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    group.Enter();
    ::_exit(work());
  }
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  // The status of waitpid.
  int Wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_ = 0;
};

void* Touch(std::size_t bytes) {
  void* const block =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memset(block, 1, bytes);
  return block;
}

// Tells the other process that something is done.
class Signal {
 public:
  Signal() {
    if (::pipe(ends_) != 0) std::abort();
  }
  ~Signal() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  void Send() const {
    if (::write(ends_[1], "x", 1) != 1) std::abort();
  }
  void Await() const {
    char c = 0;
    if (::read(ends_[0], &c, 1) != 1) std::abort();
  }

 private:
  int ends_[2];
};

TEST(RealCgroup, TheLimitOfAnAncestorIsFoundLessWhatOthersHold) {
  NEEDS_EXACT_SIZES();
  const RealCgroup outer("headroom_outer_");
  NEEDS(outer);
  outer.SetLimit(Bytes::MiB(1024));
  const RealCgroup inner("inner", &outer);
  NEEDS(inner);
  const testing::TempDir folder;
  const Signal ready;
  // The hog holds 200 MiB of memory, and 100 MiB of clean page cache that can be taken from it.
  Child hog(outer, [&] {
    Touch(200 << 20);
    const std::string file = folder.path() / "cached";
    const std::string mebibyte(1 << 20, 'c');
    const int out = ::open(file.c_str(), O_RDWR | O_CREAT, 0644);
    for (int i = 0; i < 100; ++i) {
      if (::write(out, mebibyte.data(), mebibyte.size()) < 0) return 1;
    }
    ::fsync(out);
    ready.Send();
    ::pause();
    return 0;
  });
  ready.Await();
  Child reader(inner, [&] {
    const EffectiveLimit limit = FindEffectiveLimit();
    const double mib = limit.smallest.bytes.mib();
    std::printf("%.0f MiB: %s\n", mib, limit.smallest.origin.c_str());
    std::fflush(stdout);
    const bool named = limit.smallest.origin.find("headroom_outer_") != std::string::npos;
    return mib > 1024 - 200 - 60 && mib < 1024 - 200 + 8 && named ? 0 : 1;
  });
  EXPECT_EQ(reader.Wait(), 0);
}

TEST(RealCgroup, OwnFilesThatWaitForTheDiskAreTakenByNobody) {
  NEEDS_EXACT_SIZES();
  const RealCgroup group("headroom_dirty_");
  NEEDS(group);
  group.SetLimit(Bytes::MiB(512));
  const testing::TempDir folder;
  Child writer(group, [&] {
    LimitWatch watch{SystemRoot()};
    const double before = watch.Read().limit.mib();
    const std::string mebibyte(1 << 20, 'c');
    const std::string file = folder.path() / "checkpoint";
    const int out = ::open(file.c_str(), O_RDWR | O_CREAT, 0644);
    for (int i = 0; i < 120; ++i) {
      if (::write(out, mebibyte.data(), mebibyte.size()) < 0) return 1;
      // Page tables and the kernel's own lists are a few MiB.
      if (watch.Read().limit.mib() < before - 16) return 2;
    }
    return 0;
  });
  const int status = writer.Wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0) << "2: the limit fell";
}

TEST(RealCgroup, AKillForMemoryIsExplainedAsOne) {
  const RealCgroup group("headroom_small_");
  NEEDS(group);
  group.SetLimit(Bytes::MiB(256));
  const testing::TempDir folder;
  const auto page = folder.path() / kLastStateName;
  Child victim(group, [&] {
    RunIdentity identity = IdentifyThisProcess();
    identity.run_folder = "runs/detect/train";
    LastStateWriter writer(page, identity);
    RunState state;
    state.unix_ms = 1'700'000'000'000;
    state.budget = Bytes::MiB(400);  // A plan that did not know the limit.
    state.limit = Bytes::MiB(500);
    for (std::uint64_t held = 0;; held += 16) {
      state.phase = PlanPhase::kTrainStep;
      state.rss_anon = Bytes::MiB(held);
      writer.Update(state);
      Touch(16 << 20);
    }
    return 0;
  });
  const int status = victim.Wait();
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  const auto last = ReadLastState(page);
  ASSERT_TRUE(last) << last.error();
  EXPECT_EQ(last->identity.cgroup, group.path());
  const DeathReport report = ExplainDeath(*last, LookAtPresent(last->identity));
  EXPECT_EQ(report.fate, RunFate::kOomKilled) << report.Text();
  EXPECT_GE(last->state.rss_anon, Bytes::MiB(32));
  EXPECT_LT(report.lesson.cut_budget, Bytes::MiB(256));
  EXPECT_THAT(report.Text(), HasSubstr("was killed by the kernel for memory"));
  EXPECT_THAT(report.Text(), AnyOf(HasSubstr("oom_kill count of " + group.path().string()),
                                   HasSubstr("its log says so")));
}

// As a container does that is started again after its kill.
TEST(RealCgroup, AKillIsRecognisedWhenTheGroupWasMadeAgain) {
  const testing::TempDir folder;
  const auto page = folder.path() / kLastStateName;
  {
    const RealCgroup group("headroom_again_");
    NEEDS(group);
    group.SetLimit(Bytes::MiB(64));
    Child victim(group, [&] {
      LastStateWriter writer(page, IdentifyThisProcess());
      RunState state;
      state.budget = Bytes::MiB(400);
      writer.Update(state);
      Touch(256 << 20);
      return 0;
    });
    ASSERT_EQ(WTERMSIG(victim.Wait()), SIGKILL);
  }
  const RealCgroup again("headroom_again_");
  NEEDS(again);
  const auto last = ReadLastState(page);
  ASSERT_TRUE(last) << last.error();
  if (!last->identity.host_oom_kills) GTEST_SKIP() << "/proc/vmstat has no oom_kill";
  EXPECT_EQ(last->identity.cgroup, again.path());
  const PresentSystem present = LookAtPresent(last->identity);
  EXPECT_EQ(present.group_oom_kills, std::nullopt);
  EXPECT_EQ(DecideFate(*last, present), RunFate::kOomKilled);
}

TEST(RealCgroup, KillNineInAGroupIsNotTakenForOne) {
  const RealCgroup group("headroom_nine_");
  NEEDS(group);
  group.SetLimit(Bytes::MiB(256));
  const testing::TempDir folder;
  const auto page = folder.path() / kLastStateName;
  Child victim(group, [&] {
    LastStateWriter writer(page, IdentifyThisProcess());
    writer.Update(RunState());
    ::raise(SIGKILL);
    return 0;
  });
  EXPECT_EQ(WTERMSIG(victim.Wait()), SIGKILL);
  const auto last = ReadLastState(page);
  ASSERT_TRUE(last) << last.error();
  EXPECT_EQ(DecideFate(*last, LookAtPresent(last->identity)), RunFate::kKilled);
}

TEST(RealCgroup, AnAllocatorWithTheGroupsBudgetIsRefusedNotKilled) {
  NEEDS_EXACT_SIZES();
  const RealCgroup group("headroom_budget_");
  NEEDS(group);
  group.SetLimit(Bytes::MiB(384));
  Child worker(group, [&] {
    const auto limit = BudgetFromOption(std::nullopt, FindEffectiveLimit().smallest);
    if (!limit || limit->bytes > Bytes::MiB(308)) return 1;
    Ledger ledger;
    Budget budget(MemoryPlace::kHost, limit->bytes, limit->origin, ledger);
    MmapBacking backing;
    BlockCache cache(backing, &budget);
    Bytes held;
    // More than the group has, in blocks that come and go.
    for (std::uint64_t i = 0; i < 4000; ++i) {
      const Bytes size = Bytes::KiB(100 + i * 37 % 5000);
      void* const block = cache.TryAllocate(size, MemoryTag::kActivations);
      if (block == nullptr) return held > Bytes::MiB(250) ? 0 : 2;
      std::memset(block, 1, size.count());
      held += size;
      if (i % 8 == 7) cache.Free(block);
    }
    return 3;
  });
  EXPECT_EQ(worker.Wait(), 0);
}

// What the run can do without: an image cache in blocks of the allocator.
class GivingHolder final : public Reclaimable {
 public:
  GivingHolder(Budget& budget, BlockCache& cache) : budget_(budget), cache_(cache) {
    budget_.Register(*this);
  }
  ~GivingHolder() override { budget_.Unregister(*this); }
  GivingHolder(const GivingHolder&) = delete;
  GivingHolder& operator=(const GivingHolder&) = delete;
  [[nodiscard]] std::string_view name() const override { return "image cache"; }
  [[nodiscard]] ReclaimOrder order() const override { return ReclaimOrder::kImageCache; }
  Bytes Release(Bytes wanted, ReclaimTime /*time*/) override {
    MutexLock lock(mutex_);
    Bytes given;
    while (given < wanted && !blocks_.empty()) {
      given += cache_.SizeOf(blocks_.back());
      cache_.Free(blocks_.back());
      blocks_.pop_back();
    }
    return given;
  }
  // Until the budget refuses.
  void Fill(Bytes most) {
    for (Bytes held; held < most; held += Bytes::MiB(4)) {
      void* const block = cache_.TryAllocate(Bytes::MiB(4), MemoryTag::kImageCache);
      if (block == nullptr) return;
      std::memset(block, 1, 4 << 20);
      MutexLock lock(mutex_);
      blocks_.push_back(block);
    }
  }

 private:
  Budget& budget_;
  BlockCache& cache_;
  Mutex mutex_;
  std::vector<void*> blocks_ GUARDED_BY(mutex_);
};

// Ten times as fast as in earnest: 10 samples a second and a hog of 200 MB a second, that is 20 MB
// a sample in a group of 1 GB; as 80 MB/s at 1 Hz in one of 4 GB.
int LiveBesideAHog(const Signal& full, const Signal& hog_done) {
  const auto limit = BudgetFromOption(std::nullopt, FindEffectiveLimit().smallest);
  if (!limit) return 1;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, limit->bytes, limit->origin, ledger);
  MmapBacking backing;
  BlockCache cache(backing, &budget);
  GivingHolder holder(budget, cache);
  SystemSource source(SystemRoot(), ledger, &budget);
  SteadyMonitorClock clock;
  ResourceMonitorOptions options;
  options.period_s = 0.1;
  options.budget = limit->bytes;
  options.policy.horizon_s = 0.5;
  options.policy.trend_window_s = 0.8;
  options.policy.sudden_s = 0.2;
  options.policy.look_again_s = 0.01;
  std::string line;
  const ResourceMonitor monitor(options, source, clock,
                                [&](const PressureAdvice& advice, const ResourceSample&) {
                                  const GaveWay gave = GiveWay(budget, advice);
                                  if (gave.given > Bytes() && line.empty()) line = gave.line;
                                });
  holder.Fill(Bytes::MiB(4096));
  if (budget.used() < Bytes::MiB(700)) return 2;
  full.Send();
  hog_done.Await();
  std::printf("%s\n%s\n", line.c_str(), monitor.SummaryLine().c_str());
  std::fflush(stdout);
  return monitor.Summary().give_backs > 0 && budget.used() < Bytes::MiB(400) ? 0 : 3;
}

TEST(RealCgroup, ARunGivesWayToAHogInItsGroupAndLives) {
  NEEDS_EXACT_SIZES();
  const RealCgroup group("headroom_hog_");
  NEEDS(group);
  group.SetLimit(Bytes::MiB(1024));
  const Signal full;
  const Signal hog_done;
  Child worker(group, [&] { return LiveBesideAHog(full, hog_done); });
  full.Await();
  Child hog(group, [&] {
    for (int i = 0; i < 61; ++i) {  // Until 40 % of the limit is left.
      Touch(10 << 20);
      ::usleep(50'000);
    }
    hog_done.Send();
    ::pause();
    return 0;
  });
  const int status = worker.Wait();
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace headroom
