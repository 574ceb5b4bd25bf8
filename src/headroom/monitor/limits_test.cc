// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/cgroup.h"
#include "headroom/monitor/device_budget.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/monitor/fake_system.h"
#include "headroom/monitor/gpu_memory.h"
#include "headroom/monitor/pressure.h"
#include "headroom/monitor/pressure_policy.h"
#include "headroom/monitor/system_source.h"
#include "headroom/monitor/usable_cores.h"

#include <gmock/gmock.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using testing::FakeSystem;
using ::testing::HasSubstr;
using testing::Mib;

constexpr ResourceLimits kNone;

std::string V2Stat(std::uint64_t anon, std::uint64_t shmem, std::uint64_t file,
                   std::uint64_t dirty) {
  return "anon " + std::to_string(Mib(anon)) + "\nfile " + std::to_string(Mib(file + shmem)) +
         "\nshmem " + std::to_string(Mib(shmem)) + "\nfile_mapped 0\nfile_dirty " +
         std::to_string(Mib(dirty)) + "\ninactive_anon " + std::to_string(Mib(anon + shmem)) +
         "\nactive_anon 0\ninactive_file " + std::to_string(Mib(file / 2)) + "\nactive_file " +
         std::to_string(Mib(file - file / 2)) + "\n";
}

class V2 : public ::testing::Test {
 protected:
  V2() {
    system_.Host(20000, 300);
    system_.Write("/proc/self/cgroup", "0::/jobs/a b/run\n");
    system_.Write(
        "/proc/self/mountinfo",
        "25 20 0:22 / /sys rw - sysfs sysfs rw\n"
        "31 25 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
    Group("/jobs/a b/run", "max", "max", 500, V2Stat(400, 0, 100, 0));
    Group("/jobs/a b", "max", "max", 500, V2Stat(400, 0, 100, 0));
    Group("/jobs", "max", "max", 500, V2Stat(400, 0, 100, 0));
  }
  void Group(const std::string& name, const std::string& max, const std::string& high,
             std::uint64_t used_mib, const std::string& stat) {
    const std::string folder = "/sys/fs/cgroup" + name;
    system_.Write(folder + "/memory.max", max + "\n");
    system_.Write(folder + "/memory.high", high + "\n");
    system_.Write(folder + "/memory.current", std::to_string(Mib(used_mib)) + "\n");
    system_.Write(folder + "/memory.stat", stat);
    system_.Write(folder + "/memory.events",
                  "low 0\nhigh 0\nmax 4\noom 1\noom_kill 3\noom_group_kill 0\n");
  }
  EffectiveLimit Find() { return FindEffectiveLimit(system_.root(), kNone); }
  FakeSystem system_;
};

TEST_F(V2, WithoutLimitsWhatIsAvailableAndHeldCounts) {
  const EffectiveLimit limit = Find();
  EXPECT_EQ(limit.smallest.bytes, Bytes::MiB(20300));
  EXPECT_THAT(limit.smallest.origin, HasSubstr("MemAvailable of /proc/meminfo (19.5 GiB)"));
  EXPECT_EQ(limit.all.size(), 1U);
}

TEST_F(V2, EveryAncestorIsLookedAt) {
  Group("/jobs", std::to_string(Mib(4096)), "max", 1000, V2Stat(700, 100, 200, 50));
  const EffectiveLimit limit = Find();
  // Others: 1000 - 200 of files - 300 ours = 500; their shmem is held.
  EXPECT_EQ(limit.smallest.bytes, Bytes::MiB(4096 - 500));
  EXPECT_THAT(limit.smallest.origin,
              HasSubstr("memory.max of /sys/fs/cgroup/jobs (4.00 GiB, others in it hold 500 MiB)"));
}

// A checkpoint that is being written: 120 MB of page cache, dirty, then under way, then clean.
TEST_F(V2, PagesThatWaitForTheDiskAreNotTakenByOthers) {
  LimitWatch watch(system_.root(), kNone);
  for (const std::uint64_t dirty : {0, 120, 60, 0}) {
    Group("/jobs", std::to_string(Mib(4096)), "max", 420, V2Stat(300, 0, 120, dirty));
    const LimitWatch::Reading reading = watch.Read();
    EXPECT_EQ(reading.limit, Bytes::MiB(4096)) << dirty;
    EXPECT_EQ(reading.dirty, Bytes::MiB(dirty));
    EXPECT_EQ(reading.set, Bytes::MiB(4096));
  }
}

TEST_F(V2, PagesThatAreWrittenAgainOnTheirWayCountOnce) {
  Group("/jobs", std::to_string(Mib(4096)), "max", 420,
        V2Stat(300, 0, 120, 120) + "file_writeback " + std::to_string(Mib(110)) + "\n");
  EXPECT_EQ(LimitWatch(system_.root(), kNone).Read().dirty, Bytes::MiB(120));
}

TEST_F(V2, KernelCachesAreNotTakenByOthers) {
  // Entries and inodes of a data set's hundred thousand files.
  Group("/jobs", std::to_string(Mib(4096)), "max", 450,
        V2Stat(300, 0, 0, 0) + "slab_reclaimable " + std::to_string(Mib(130)) +
            "\nslab_unreclaimable " + std::to_string(Mib(20)) + "\n");
  EXPECT_EQ(Find().smallest.bytes, Bytes::MiB(4096 - 20));
}

TEST_F(V2, MemoryHighCountsWhereItIsSmaller) {
  Group("/jobs/a b/run", std::to_string(Mib(2000)), std::to_string(Mib(1500)), 400,
        V2Stat(300, 0, 100, 0));
  const EffectiveLimit limit = Find();
  EXPECT_EQ(limit.smallest.bytes, Bytes::MiB(1500));
  EXPECT_THAT(limit.smallest.origin, HasSubstr("memory.high of /sys/fs/cgroup/jobs/a b/run"));
}

TEST_F(V2, ALimitBelowWhatOthersHoldLeavesNothing) {
  Group("/jobs", std::to_string(Mib(400)), "max", 900, V2Stat(900, 0, 0, 0));
  EXPECT_EQ(Find().smallest.bytes, Bytes());
}

TEST_F(V2, APrivateNamespaceShowsTheGroupAtTheMountPoint) {
  system_.Write("/proc/self/cgroup", "0::/\n");
  Group("", std::to_string(Mib(1000)), "max", 300, V2Stat(300, 0, 0, 0));
  EXPECT_EQ(Find().smallest.bytes, Bytes::MiB(1000));
  system_.Write("/proc/self/cgroup", "0::/../../outside\n");
  EXPECT_EQ(Find().smallest.bytes, Bytes::MiB(1000));
}

TEST_F(V2, TheRootGroupHasNoFilesAndIsLeftOut) {
  EXPECT_EQ(FindCgroups(system_.root()).memory.size(), 3U);
  EXPECT_EQ(FindCgroups(system_.root()).memory.front().path, "/sys/fs/cgroup/jobs/a b/run");
}

TEST_F(V2, OomKillsAreTheInnermostGroups) {
  EXPECT_EQ(LimitWatch(system_.root(), kNone).OomKills(), 3U);
}

TEST_F(V2, TheWatchFollowsWhatOthersTake) {
  Group("/jobs", std::to_string(Mib(4096)), "max", 300, V2Stat(300, 0, 0, 0));
  LimitWatch watch(system_.root(), kNone);
  EXPECT_EQ(watch.Read().limit, Bytes::MiB(4096));
  Group("/jobs", std::to_string(Mib(4096)), "max", 1300, V2Stat(1300, 0, 0, 0));
  const LimitWatch::Reading reading = watch.Read();
  EXPECT_EQ(reading.limit, Bytes::MiB(3096));
  EXPECT_EQ(reading.Room(), Bytes::MiB(2796));
  EXPECT_EQ(reading.cgroup_limit, Bytes::MiB(4096));
  EXPECT_EQ(reading.cgroup_used, Bytes::MiB(1300));
  EXPECT_EQ(reading.process.high_water, Bytes::MiB(320));
  EXPECT_EQ(reading.process.start_ticks, 987654U);
  EXPECT_EQ(reading.process.minor_faults, 1200U);
  EXPECT_EQ(reading.process.major_faults, 34U);
}

TEST_F(V2, ResourceLimitsCount) {
  const EffectiveLimit as =
      FindEffectiveLimit(system_.root(), {.address_space = Bytes::MiB(3000), .data = Bytes::Max()});
  EXPECT_EQ(as.smallest.bytes, Bytes::MiB(3000 - 1000 - 96 + 300));
  EXPECT_THAT(as.smallest.origin, HasSubstr("RLIMIT_AS (2.93 GiB, of which 0.98 GiB is mapped"));
  const EffectiveLimit data =
      FindEffectiveLimit(system_.root(), {.address_space = Bytes::Max(), .data = Bytes::MiB(700)});
  EXPECT_EQ(data.smallest.bytes, Bytes::MiB(700 - 400 - 64 + 300));
  EXPECT_THAT(data.smallest.origin, HasSubstr("RLIMIT_DATA (700 MiB, of which 400 MiB is mapped"));
}

TEST_F(V2, OurOwnGrowthMovesNoAddressSpaceLimit) {
  LimitWatch watch(system_.root(), {.address_space = Bytes::MiB(3000), .data = Bytes::Max()});
  std::vector<ResourceSample> samples;
  for (std::uint64_t grown = 0; grown <= 1600; grown += 400) {
    system_.Host(20000, 300 + grown, 1000 + grown);
    const LimitWatch::Reading reading = watch.Read();
    EXPECT_EQ(reading.limit, Bytes::MiB(2204)) << grown;
    EXPECT_EQ(reading.Room(), Bytes::MiB(1904 - grown));
    ResourceSample& sample = samples.emplace_back();
    sample.seconds = static_cast<double>(samples.size());
    sample.process = reading.process;
    sample.limit = reading.limit;
    sample.budget = Bytes::MiB(2000);
  }
  EXPECT_EQ(FallingRate(samples, 8), 0);
  EXPECT_FALSE(Advise(samples, Bytes::MiB(2000))) << "no neighbour has taken anything";
  // What is mapped and not held is room that is gone.
  system_.Host(20000, 1900, 2800);
  EXPECT_EQ(watch.Read().limit, Bytes::MiB(2004));
}

TEST_F(V2, ReadingAllocatesNothing) {
  LimitWatch watch(system_.root(), kNone);
  PressureReader pressure(system_.root(), FindCgroups(system_.root()));
  static_cast<void>(watch.Read());
  const auto allocated = [] { return ::mallinfo2().uordblks; };
  const auto before = allocated();
  for (int i = 0; i < 100; ++i) {
    static_cast<void>(watch.Read());
    static_cast<void>(pressure.Concerning(3, true));
    static_cast<void>(watch.OomKills());
  }
  EXPECT_EQ(allocated(), before);
}

class V1 : public ::testing::Test {
 protected:
  V1() {
    system_.Host(20000, 300);
    system_.Write("/proc/self/cgroup", "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/\n");
    // The container sees its own group at the mount point.
    system_.Write(
        "/proc/self/mountinfo",
        "33 25 0:30 /docker/abc /sys/fs/cgroup/memory ro master:11 - cgroup cgroup rw,memory\n"
        "34 25 0:31 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
        "35 25 0:32 / /sys/fs/cgroup/unified ro - cgroup2 cgroup2 rw\n");
    Group(9223372036854771712ULL, 9223372036854771712ULL, 800);
  }
  void Group(std::uint64_t limit, std::uint64_t hierarchical, std::uint64_t used_mib) {
    const std::string folder = "/sys/fs/cgroup/memory";
    system_.Write(folder + "/memory.limit_in_bytes", std::to_string(limit) + "\n");
    system_.Write(folder + "/memory.usage_in_bytes", std::to_string(Mib(used_mib)) + "\n");
    system_.Write(folder + "/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    system_.Write(folder + "/memory.stat",
                  "cache 0\ninactive_file 0\nhierarchical_memory_limit " +
                      std::to_string(hierarchical) + "\ntotal_inactive_file " +
                      std::to_string(Mib(60)) + "\ntotal_active_file " + std::to_string(Mib(40)) +
                      "\ntotal_dirty " + std::to_string(Mib(10)) + "\ntotal_writeback 0\n");
  }
  FakeSystem system_;
};

TEST_F(V1, ThePageThatMeansNoLimitIsNone) {
  EXPECT_EQ(FindEffectiveLimit(system_.root(), kNone).smallest.bytes, Bytes::MiB(20300));
}

TEST_F(V1, TheMountedPartIsTheGroup) {
  Group(Mib(2048), Mib(2048), 800);
  const EffectiveLimit limit = FindEffectiveLimit(system_.root(), kNone);
  EXPECT_EQ(limit.smallest.bytes, Bytes::MiB(2048 - (800 - 100 - 300)));
  EXPECT_THAT(limit.smallest.origin,
              HasSubstr("memory.limit_in_bytes of /sys/fs/cgroup/memory (2.00 GiB"));
}

TEST_F(V1, AnAncestorThatIsNotVisibleLimitsThroughTheStatistics) {
  Group(Mib(8192), Mib(1024), 390);
  const EffectiveLimit limit = FindEffectiveLimit(system_.root(), kNone);
  EXPECT_EQ(limit.smallest.bytes, Bytes::MiB(1024));
  EXPECT_THAT(limit.smallest.origin, HasSubstr("hierarchical_memory_limit in memory.stat"));
}

TEST_F(V1, OomKillsAndQuotaAreRead) {
  EXPECT_EQ(LimitWatch(system_.root(), kNone).OomKills(), 2U);
  system_.Write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000\n");
  system_.Write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  const auto quota = FindCpuQuota(FindCgroups(system_.root()));
  ASSERT_TRUE(quota);
  EXPECT_DOUBLE_EQ(quota->cores, 1.5);
  system_.Write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  EXPECT_FALSE(FindCpuQuota(FindCgroups(system_.root())));
}

TEST(EffectiveLimit, AnEmptySystemHasNoLimit) {
  const FakeSystem system;
  EXPECT_EQ(FindEffectiveLimit(system.root(), kNone).smallest.bytes, Bytes::Max());
}

TEST(EffectiveLimit, ThisMachineHasOne) {
  const EffectiveLimit limit = FindEffectiveLimit();
  EXPECT_GT(limit.smallest.bytes, Bytes::MiB(50));
  EXPECT_LT(limit.smallest.bytes, Bytes::GiB(100000));
}

TEST(BudgetFromOption, TakesPartsAndAmounts) {
  const MemoryLimit limit{Bytes::GiB(10), "memory.max of /job"};
  EXPECT_EQ(BudgetFromOption(std::nullopt, limit)->bytes, Bytes::GiB(8));
  EXPECT_EQ(BudgetFromOption(std::nullopt, limit)->origin, "80 % of memory.max of /job");
  EXPECT_EQ(BudgetFromOption("0.5", limit)->bytes, Bytes::GiB(5));
  EXPECT_EQ(BudgetFromOption("50%", limit)->bytes, Bytes::GiB(5));
  EXPECT_EQ(BudgetFromOption("1", limit)->bytes, Bytes::GiB(10));
  EXPECT_EQ(BudgetFromOption("6G", limit)->bytes, Bytes::GiB(6));
  EXPECT_EQ(BudgetFromOption("6G", limit)->origin, "memory=6G");
}

TEST(BudgetFromOption, AnAmountThatIsNotThereIsCutAndSaid) {
  const MemoryLimit limit{Bytes::GiB(10), "memory.max of /job"};
  const auto budget = BudgetFromOption("64G", limit, "vram");
  EXPECT_EQ(budget->bytes, Bytes::GiB(8));
  EXPECT_EQ(budget->origin,
            "80 % of memory.max of /job, since vram=64G is more than there is: 10.0 GiB");
}

TEST(BudgetFromOption, RefusesWhatIsNoBudget) {
  for (const char* text : {"0", "-1", "0%", "120%", "lots", "6X", "nan"}) {
    const auto budget = BudgetFromOption(text, {Bytes::GiB(10), "x"});
    ASSERT_FALSE(budget) << text;
    EXPECT_THAT(budget.error(), HasSubstr("memory=0.8"));
  }
}

TEST(UsableCores, TakesTheSmallestUnlessToldOtherwise) {
  EXPECT_EQ(FindUsableCores(8, std::nullopt, std::nullopt).count, 8);
  EXPECT_EQ(FindUsableCores(8, CpuQuota{2.5, "cpu.max of /x"}, std::nullopt).count, 2);
  EXPECT_EQ(FindUsableCores(8, CpuQuota{2.5, "cpu.max of /x"}, std::nullopt).origin,
            "cpu.max of /x (2.5 cores)");
  EXPECT_EQ(FindUsableCores(8, CpuQuota{0.2, "q"}, std::nullopt).count, 1);
  EXPECT_EQ(FindUsableCores(2, CpuQuota{16, "q"}, std::nullopt).count, 2);
  EXPECT_EQ(FindUsableCores(8, CpuQuota{2, "q"}, "6,2").count, 6);
  EXPECT_EQ(FindUsableCores(8, std::nullopt, "none").count, 8);
  EXPECT_GE(FindUsableCores().count, 1);
}

TEST(UsableCores, V2QuotaOfAnAncestorCounts) {
  FakeSystem system;
  system.Write("/proc/self/cgroup", "0::/a/b\n");
  system.Write("/proc/self/mountinfo", "31 25 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  system.Write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  system.Write("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
  const auto quota = FindCpuQuota(FindCgroups(system.root()));
  ASSERT_TRUE(quota);
  EXPECT_DOUBLE_EQ(quota->cores, 3);
  EXPECT_EQ(quota->origin, "cpu.max of /sys/fs/cgroup/a");
}

std::string PressureText(const char* some, const char* full) {
  return std::string("some avg10=") + some + " avg60=0.10 avg300=0.00 total=5\nfull avg10=" + full +
         " avg60=0.00 avg300=0.00 total=2\n";
}

TEST(Pressure, IsOfTheOwnGroupsUpToTheOneThatLimits) {
  FakeSystem system;
  system.Write("/proc/pressure/memory", PressureText("40.00", "9.00"));
  CgroupMembership groups;
  const std::pair<const char*, const char*> kGroups[] = {
      {"/top/mid/own", "1.25"}, {"/top/mid", "12.50"}, {"/top", "30.00"}};
  for (const auto& [path, some] : kGroups) {
    system.Write(std::string(path) + "/memory.pressure", PressureText(some, "0.25"));
    groups.memory.push_back({CgroupVersion::kV2, path, system.root().At(path)});
  }
  PressureReader reader(system.root(), groups);
  // Of other groups, below or beside the one that limits, nothing is heard.
  EXPECT_DOUBLE_EQ(reader.Concerning(1, false)->some_avg10, 1.25);
  EXPECT_DOUBLE_EQ(reader.Concerning(2, false)->some_avg10, 12.5);
  EXPECT_DOUBLE_EQ(reader.Concerning(3, false)->some_avg10, 30);
  // An RLIMIT, or the host: what the own group waits for is heard all the same.
  EXPECT_DOUBLE_EQ(reader.Concerning(0, false)->some_avg10, 1.25);
  EXPECT_DOUBLE_EQ(reader.Concerning(0, true)->some_avg10, 40);
  EXPECT_DOUBLE_EQ(reader.Concerning(0, true)->full_avg10, 9);
}

TEST(Pressure, OfTheHostSaysNothingOfAGroupWithoutAnyOfItsOwn) {
  FakeSystem system;
  system.Write("/proc/pressure/memory", PressureText("40.00", "9.00"));
  CgroupMembership groups;
  groups.memory.push_back({CgroupVersion::kV1, "/own", system.root().At("/own")});
  PressureReader reader(system.root(), groups);
  EXPECT_FALSE(reader.Concerning(1, false));
  EXPECT_TRUE(reader.Concerning(0, true));
}

TEST_F(V2, TheSampleHearsTheHostOnlyWhereTheHostLimits) {
  system_.Write("/proc/pressure/memory", PressureText("40.00", "9.00"));
  const Ledger ledger;
  SystemSource source(system_.root(), ledger, nullptr);
  EXPECT_EQ(source.Sample().limit_source, 0U);
  ASSERT_TRUE(source.Sample().pressure);
  EXPECT_DOUBLE_EQ(source.Sample().pressure->some_avg10, 40);
  Group("/jobs", std::to_string(Mib(4096)), "max", 300, V2Stat(300, 0, 0, 0));
  EXPECT_FALSE(source.Sample().pressure);
}

TEST(Pressure, MayBeAbsent) {
  const FakeSystem system;
  EXPECT_FALSE(PressureReader(system.root(), {}).Concerning(3, true));
  EXPECT_FALSE(ParsePressure(""));
}

TEST(FindNumber, MatchesWholeKeysAtLineStarts) {
  constexpr std::string_view kText = "oom 1\noom_kill 7\nMemTotal:   12 kB\n";
  EXPECT_EQ(FindNumber(kText, "oom"), 1U);
  EXPECT_EQ(FindNumber(kText, "oom_kill"), 7U);
  EXPECT_EQ(FindNumber(kText, "MemTotal:"), 12288U);
  EXPECT_EQ(FindNumber(kText, "kill"), std::nullopt);
  EXPECT_EQ(LeadingNumber("max\n"), std::nullopt);
}

TEST(GpuMemory, ReadsThroughALibraryOpenedAtRunTime) {
  auto gpus = GpuMemory::Open(HEADROOM_FAKE_NVML);
  ASSERT_TRUE(gpus) << gpus.error();
  GpuMemory& gpu = **gpus;
  EXPECT_EQ(gpu.count(), 2);
  EXPECT_EQ(gpu.DeviceName(0), "Fake RTX 3090");
  const auto first = gpu.Read(0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->total, Bytes::GiB(24));
  EXPECT_EQ(first->free, Bytes::GiB(20));
  EXPECT_EQ(first->used, Bytes::GiB(4));
  EXPECT_EQ(first->utilisation_percent, 87);
  EXPECT_EQ(gpu.Read(1)->utilisation_percent, -1);
  EXPECT_THAT(gpu.Read(2).error(), HasSubstr("no GPU 2; the driver has 2"));
}

TEST(DeviceBudget, IsOfWhatTheDriverReportsAsFree) {
  auto gpus = GpuMemory::Open(HEADROOM_FAKE_NVML);
  ASSERT_TRUE(gpus) << gpus.error();
  const auto unset = DeviceBudget(**gpus, 0, std::nullopt);
  ASSERT_TRUE(unset);
  EXPECT_EQ(unset->bytes, Bytes::GiB(17));
  EXPECT_EQ(unset->origin,
            "85 % of what the driver reports as free on Fake RTX 3090 (20.0 GiB of 24.0 GiB)");
  EXPECT_EQ(DeviceBudget(**gpus, 0, "6G")->bytes, Bytes::GiB(6));
  EXPECT_EQ(DeviceBudget(**gpus, 0, "0.5")->bytes, Bytes::GiB(10));
  // Others hold 4 of the 24 GiB.
  EXPECT_EQ(DeviceBudget(**gpus, 0, "24G")->bytes, Bytes::GiB(17));
  EXPECT_THAT(DeviceBudget(**gpus, 0, "much").error(), HasSubstr("vram=6G"));
  EXPECT_THAT(DeviceBudget(**gpus, 7, "6G").error(), HasSubstr("no GPU 7"));
}

TEST(GpuMemory, SaysWhyThereIsNone) {
  EXPECT_THAT(GpuMemory::Open("libno-such-nvml.so").error(), HasSubstr("no NVML"));
  EXPECT_THAT(GpuMemory::Open("libm.so.6").error(), HasSubstr("has no nvmlInit_v2"));
  ::setenv("FAKE_NVML_ERROR", "1", 1);
  EXPECT_THAT(GpuMemory::Open(HEADROOM_FAKE_NVML).error(), HasSubstr("Driver Not Loaded"));
  ::unsetenv("FAKE_NVML_ERROR");
}

}  // namespace
}  // namespace headroom
