// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/last_state.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/strings.h"
#include "headroom/monitor/some_run.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <algorithm>
#include <future>
#include <thread>

namespace headroom {
namespace {

using ::testing::HasSubstr;
using testing::SomeIdentity;
using testing::SomeState;

TEST(LastState, ComesBackAsItWasWritten) {
  const testing::TempDir folder;
  const auto path = folder.path() / kLastStateName;
  {
    LastStateWriter writer(path, SomeIdentity());
    RunState state = SomeState();
    state.lesson = {.cut_budget = Bytes::MiB(1234),
                    .doubtful = true,
                    .limit = Bytes::GiB(3),
                    .unplanned = {Bytes(), Bytes::MiB(7)},
                    .kills = 2};
    state.planned = {Bytes::MiB(1), Bytes::MiB(2), Bytes::MiB(3), Bytes::MiB(4), Bytes::MiB(5)};
    state.smallest = Bytes::MiB(321);
    state.limit_set = Bytes::GiB(4);
    state.group_oom_kills = 6;
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
  EXPECT_EQ(last->state.lesson.cut_budget, Bytes::MiB(1234));
  EXPECT_TRUE(last->state.lesson.doubtful);
  EXPECT_EQ(last->state.lesson.limit, Bytes::GiB(3));
  EXPECT_EQ(last->state.lesson.unplanned[1], Bytes::MiB(7));
  EXPECT_EQ(last->state.lesson.kills, 2);
  EXPECT_EQ(last->state.planned[4], Bytes::MiB(5));
  EXPECT_EQ(last->state.smallest, Bytes::MiB(321));
  EXPECT_EQ(last->state.limit_set, Bytes::GiB(4));
  EXPECT_EQ(last->state.group_oom_kills, 6U);
  EXPECT_EQ(last->state.host_oom_kills, std::nullopt);
  EXPECT_DOUBLE_EQ(last->state.images_per_s, 12.5);
  EXPECT_EQ(std::filesystem::file_size(path), kLastStateSize);
}

// FNV-1a, as the page has it.
std::uint64_t Sum(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

TEST(LastState, APageOfTheVersionBeforeIsRead) {
  constexpr std::size_t kIdentity = 1152;  // And the state's fields, which have stayed.
  constexpr std::size_t kFields = 1208;
  const testing::TempDir folder;
  const auto path = folder.path() / kLastStateName;
  RunState state = SomeState();
  state.lesson.cut_budget = Bytes::MiB(1234);
  LastStateWriter(path, SomeIdentity()).Update(state);
  const std::string now = *ReadFile(path);
  std::string before(kLastStateSize, '\0');
  const auto put = [&](std::size_t at, std::string_view bytes) {
    std::copy(bytes.begin(), bytes.end(), before.begin() + static_cast<std::ptrdiff_t>(at));
  };
  const auto put_sum = [&](std::size_t at, std::size_t size) {
    const std::uint64_t sum = Sum(std::string_view(before).substr(at, size));
    put(at + size - 8, {reinterpret_cast<const char*>(&sum), 8});
  };
  put(0, now.substr(0, kIdentity - 8));
  before[8] = 2;
  put_sum(0, kIdentity);
  // The first state goes to the second place.
  put(kIdentity + kFields + 8, now.substr(kIdentity + kFields + 128 + 8, kFields));
  put_sum(kIdentity + kFields + 8, kFields + 8);
  WriteFileAtomic(path, before);
  const auto last = ReadLastState(path);
  ASSERT_TRUE(last) << last.error();
  EXPECT_EQ(last->state.batch, SomeState().batch);
  EXPECT_EQ(last->state.note, SomeState().note);
  EXPECT_EQ(last->state.limit_origin, SomeState().limit_origin);
  EXPECT_EQ(last->state.lesson.cut_budget, Bytes::MiB(1234));
  EXPECT_FALSE(last->state.lesson.doubtful);
  EXPECT_EQ(last->state.host_oom_kills, std::nullopt);
  EXPECT_EQ(last->state.limit_set, Bytes::Max());
  EXPECT_EQ(last->identity.host_oom_kills, SomeIdentity().host_oom_kills);
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

}  // namespace
}  // namespace headroom
