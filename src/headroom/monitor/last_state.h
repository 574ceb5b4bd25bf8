// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/core/mutex.h"
#include "headroom/core/result.h"
#include "headroom/memory/ledger.h"
#include "headroom/memory/memory_plan.h"
#include "headroom/monitor/cgroup.h"
#include "headroom/monitor/polled_file.h"
#include "headroom/monitor/resource_sample.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace headroom {

// Who runs, and what the system looked like when it began; written once.
struct RunIdentity {
  std::string boot_id;  // /proc/sys/kernel/random/boot_id: another one is another boot.
  std::string host_name;
  std::string pid_namespace;  // Pids of another container say nothing here.
  std::int64_t pid = 0;
  std::uint64_t start_ticks = 0;  // The process's start time since boot.
  std::string cgroup;  // Folder of the innermost memory group, as the system has it; or empty.
  CgroupIdentity cgroup_identity;  // Zero where there is no group.
  bool cgroup_v2 = false;
  std::optional<std::uint64_t> group_oom_kills;  // Its oom_kill count.
  std::optional<std::uint64_t> host_oom_kills;   // That of /proc/vmstat.
  std::int64_t start_unix_s = 0;
  std::string run_folder;
  std::string command;  // To print as the one to resume with.
};
// Of this process. The caller adds run_folder and command.
[[nodiscard]] RunIdentity IdentifyThisProcess(const SystemRoot& root = {});

// What kills for memory have taught, for the runs that go on in the folder.
struct KillLesson {
  Bytes cut_budget;       // To plan within; zero: no cut.
  bool doubtful = false;  // A guess: it goes once a run has lived with it, or where there is more.
  Bytes limit;            // Of the run that was killed last.
  // Beyond its plan, in each phase: a lower bound for what a plan must leave.
  PhaseBytes unplanned{};
  std::int32_t kills = 0;  // One after the other, each of a run that had not lived.

  friend bool operator==(const KillLesson&, const KillLesson&) = default;
};

enum class RunEnd : std::uint8_t { kNone, kFinished, kFailed };

// What the run does and holds.
struct RunState {
  PlanPhase phase = PlanPhase::kSetup;
  RunEnd end = RunEnd::kNone;
  std::int32_t exit_code = 0;  // With kFailed.
  std::int32_t epoch = 0;      // 1 is the first; 0: before it.
  std::int32_t epochs = 0;
  std::int32_t batch = 0;  // In the epoch, 1 is the first.
  std::int32_t batches = 0;
  std::int32_t batch_size = 0;
  std::int32_t micro_batch = 0;
  std::int32_t workers = 0;
  std::int32_t imgsz = 0;
  std::int64_t unix_ms = 0;  // When this was written.
  Ledger::Snapshot ledger{};
  Bytes rss;
  Bytes rss_anon;
  Bytes high_water;
  Bytes budget;
  KillLesson lesson;
  PhaseBytes planned{};            // The plan in force; zero: not known yet.
  Bytes smallest;                  // The peak of the smallest settings.
  Bytes limit_set = Bytes::Max();  // Of a group: its limit with what others hold in it.
  // Kills for memory, as last seen.
  std::optional<std::uint64_t> group_oom_kills;
  std::optional<std::uint64_t> host_oom_kills;
  Bytes limit;
  std::string limit_origin;
  Bytes device_budget;
  Bytes device_used;
  double pressure_some = -1;     // -1: unknown.
  double limit_falls_per_s = 0;  // Bytes a second that others take.
  double images_per_s = 0;
  std::string note;  // The last act of adaptation, or what the next run would change.
};

// The wall clock, for RunState::unix_ms.
[[nodiscard]] std::int64_t UnixMilliseconds();

// Fills in what the monitor knows: memory, ledger, limit, pressure, device, and the time.
void SetFromSample(RunState& state, const ResourceSample& sample, std::string_view limit_origin,
                   double limit_falls_per_s);

struct LastState {
  RunIdentity identity;
  RunState state;
};

inline constexpr std::size_t kLastStateSize = 4096;
inline constexpr const char* kLastStateName = "last_state.bin";

// A page of a file in memory: the kernel keeps what was written when the process is killed, and
// Sync carries it over a power cut. The state is written in turn to two places with a checksum
// each, so a kill in the middle of a write leaves the one before. Texts are cut to what fits.
// Thread-safe. A write costs some microseconds, but where the page is on its way to a busy disk the
// kernel may hold the writer until it has arrived.
class LastStateWriter {
 public:
  // Asked for when it is this write's turn: of two writers the later one has the newer state.
  using StateSource = std::function<RunState()>;
  // Carries the page to the disk; it may block.
  using PageSync = std::function<void(std::byte* page, std::size_t size)>;

  // Creates or replaces the file; throws WriteError. `sync`: msync but in tests.
  LastStateWriter(const std::filesystem::path& path, const RunIdentity& identity,
                  PageSync sync = nullptr);
  ~LastStateWriter();
  LastStateWriter(const LastStateWriter&) = delete;
  LastStateWriter& operator=(const LastStateWriter&) = delete;

  void Update(const RunState& state) EXCLUDES(mutex_);
  void Update(const StateSource& newest) EXCLUDES(mutex_);
  // For who cannot wait: false, and nothing is written, while another writes or syncs.
  bool TryUpdate(const StateSource& newest) EXCLUDES(mutex_);
  // To the disk; at changes of phase (a millisecond, or what the disk takes). Others may write
  // meanwhile: the two places hold one whole state whatever the disk gets.
  void Sync() EXCLUDES(mutex_);

 private:
  enum class WhenBusy : bool { kWait, kSkip };
  class Turn;
  [[nodiscard]] bool BeginTurn(WhenBusy when_busy) EXCLUDES(mutex_);
  void EndTurn() EXCLUDES(mutex_);
  bool Write(const StateSource& newest, WhenBusy when_busy) EXCLUDES(mutex_);

  const PageSync sync_;
  std::byte* page_ = nullptr;
  std::uint64_t sequence_ = 0;  // Of who has the turn, like the page.
  // Held for a moment only, never while the page is touched: that may wait for the disk.
  Mutex mutex_;
  CondVar turn_ended_;
  bool writing_ GUARDED_BY(mutex_) = false;
  int syncs_ GUARDED_BY(mutex_) = 0;
};

// Also while the run writes, and of the version before this one. Failure: absent, not such a page,
// of another version, or damaged.
[[nodiscard]] Result<LastState> ReadLastState(const std::filesystem::path& path);

}  // namespace headroom
