// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/last_state.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/strings.h"
#include "headroom/monitor/host_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

namespace headroom {
namespace {

// The layout of the page. Little-endian machines only, as the rest of the program; a change of
// layout or of the tags takes a new version.
constexpr std::array<char, 8> kMagic = {'H', 'E', 'A', 'D', 'R', 'O', 'O', 'M'};
constexpr std::uint32_t kVersion = 3;
constexpr std::uint32_t kVersionBefore = 2;  // Without StateMore.
constexpr std::uint64_t kUnknown = UINT64_MAX;

struct IdentityBlock {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t tag_count;
  std::int64_t pid;
  std::uint64_t start_ticks;
  std::uint64_t group_oom_kills;
  std::uint64_t host_oom_kills;
  std::int64_t start_unix_s;
  std::uint64_t cgroup_v2;
  std::uint64_t cgroup_device;
  std::uint64_t cgroup_inode;
  char boot_id[40];
  char host_name[64];
  char pid_namespace[24];
  char cgroup[248];
  char run_folder[320];
  char command[368];
  std::uint64_t checksum;
};

struct StateFields {
  std::uint64_t sequence;  // 0: never written.
  std::int64_t unix_ms;
  std::int32_t phase, end, exit_code, epoch, epochs, batch, batches, batch_size, micro_batch,
      workers, imgsz, reserved;
  std::uint64_t rows[kMemoryPlaceCount][kMemoryTagCount][2];  // Now, peak.
  std::uint64_t totals[kMemoryPlaceCount][2];
  std::uint64_t rss, rss_anon, high_water, budget, limit, device_budget, device_used, cut_budget;
  double pressure_some, limit_falls_per_s, images_per_s;
  char limit_origin[224];
  char note[224];
};

struct StateMore {
  std::uint64_t planned[kPlanPhaseCount], unplanned[kPlanPhaseCount];
  std::uint64_t smallest, limit_set, kill_limit, group_oom_kills, host_oom_kills;
  std::int32_t doubtful, kills;
};

struct StateBlock {
  StateFields fields;
  StateMore more;
  std::uint64_t checksum;
};

struct StateBlockBefore {
  StateFields fields;
  std::uint64_t checksum;
};

template <typename State>
struct PageOf {
  IdentityBlock identity;
  State states[2];
};
using Page = PageOf<StateBlock>;
static_assert(sizeof(Page) <= kLastStateSize);
static_assert(std::is_trivially_copyable_v<Page> &&
              std::has_unique_object_representations_v<IdentityBlock>);

// FNV-1a: finds torn writes; not meant against forgery.
template <typename Block>
std::uint64_t Checksum(Block block) {
  block.checksum = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&block);
  std::uint64_t hash = 14695981039346656037ULL;
  for (std::size_t i = 0; i < sizeof(Block); ++i) hash = (hash ^ bytes[i]) * 1099511628211ULL;
  return hash;
}

template <std::size_t N>
void Put(char (&field)[N], std::string_view text) {
  const std::size_t size = std::min(text.size(), N - 1);
  std::memcpy(field, text.data(), size);
}

template <std::size_t N>
std::string Get(const char (&field)[N]) {
  return {field, ::strnlen(field, N)};
}

IdentityBlock Encode(const RunIdentity& identity) {
  IdentityBlock block{};
  block.magic = kMagic;
  block.version = kVersion;
  block.tag_count = kMemoryTagCount;
  block.pid = identity.pid;
  block.start_ticks = identity.start_ticks;
  block.group_oom_kills = identity.group_oom_kills.value_or(kUnknown);
  block.host_oom_kills = identity.host_oom_kills.value_or(kUnknown);
  block.start_unix_s = identity.start_unix_s;
  block.cgroup_v2 = identity.cgroup_v2 ? 1 : 0;
  block.cgroup_device = identity.cgroup_identity.device;
  block.cgroup_inode = identity.cgroup_identity.inode;
  Put(block.boot_id, identity.boot_id);
  Put(block.host_name, identity.host_name);
  Put(block.pid_namespace, identity.pid_namespace);
  Put(block.cgroup, identity.cgroup);
  Put(block.run_folder, identity.run_folder);
  Put(block.command, identity.command);
  block.checksum = Checksum(block);
  return block;
}

std::optional<std::uint64_t> Known(std::uint64_t value) {
  return value == kUnknown ? std::nullopt : std::optional<std::uint64_t>(value);
}

RunIdentity Decode(const IdentityBlock& block) {
  RunIdentity identity;
  identity.boot_id = Get(block.boot_id);
  identity.host_name = Get(block.host_name);
  identity.pid_namespace = Get(block.pid_namespace);
  identity.pid = block.pid;
  identity.start_ticks = block.start_ticks;
  identity.cgroup = Get(block.cgroup);
  identity.cgroup_v2 = block.cgroup_v2 != 0;
  identity.cgroup_identity = {block.cgroup_device, block.cgroup_inode};
  identity.group_oom_kills = Known(block.group_oom_kills);
  identity.host_oom_kills = Known(block.host_oom_kills);
  identity.start_unix_s = block.start_unix_s;
  identity.run_folder = Get(block.run_folder);
  identity.command = Get(block.command);
  return identity;
}

void EncodeLedger(const Ledger::Snapshot& ledger, StateFields& block) {
  for (std::size_t place = 0; place < kMemoryPlaceCount; ++place) {
    for (std::size_t tag = 0; tag < kMemoryTagCount; ++tag) {
      block.rows[place][tag][0] = ledger.rows[place][tag].now.count();
      block.rows[place][tag][1] = ledger.rows[place][tag].peak.count();
    }
    block.totals[place][0] = ledger.totals[place].now.count();
    block.totals[place][1] = ledger.totals[place].peak.count();
  }
}

StateMore EncodeMore(const RunState& state) {
  StateMore more{};
  for (std::size_t i = 0; i < kPlanPhaseCount; ++i) {
    more.planned[i] = state.planned[i].count();
    more.unplanned[i] = state.lesson.unplanned[i].count();
  }
  more.smallest = state.smallest.count();
  more.limit_set = state.limit_set.count();
  more.kill_limit = state.lesson.limit.count();
  more.group_oom_kills = state.group_oom_kills.value_or(kUnknown);
  more.host_oom_kills = state.host_oom_kills.value_or(kUnknown);
  more.doubtful = state.lesson.doubtful ? 1 : 0;
  more.kills = state.lesson.kills;
  return more;
}

StateFields EncodeFields(const RunState& state, std::uint64_t sequence) {
  StateFields block{};
  block.sequence = sequence;
  block.unix_ms = state.unix_ms;
  block.phase = static_cast<std::int32_t>(state.phase);
  block.end = static_cast<std::int32_t>(state.end);
  block.exit_code = state.exit_code;
  block.epoch = state.epoch;
  block.epochs = state.epochs;
  block.batch = state.batch;
  block.batches = state.batches;
  block.batch_size = state.batch_size;
  block.micro_batch = state.micro_batch;
  block.workers = state.workers;
  block.imgsz = state.imgsz;
  EncodeLedger(state.ledger, block);
  block.rss = state.rss.count();
  block.rss_anon = state.rss_anon.count();
  block.high_water = state.high_water.count();
  block.budget = state.budget.count();
  block.limit = state.limit.count();
  block.device_budget = state.device_budget.count();
  block.device_used = state.device_used.count();
  block.cut_budget = state.lesson.cut_budget.count();
  block.pressure_some = state.pressure_some;
  block.limit_falls_per_s = state.limit_falls_per_s;
  block.images_per_s = state.images_per_s;
  Put(block.limit_origin, state.limit_origin);
  Put(block.note, state.note);
  return block;
}

StateBlock Encode(const RunState& state, std::uint64_t sequence) {
  StateBlock block{EncodeFields(state, sequence), EncodeMore(state), 0};
  block.checksum = Checksum(block);
  return block;
}

RunState Decode(const StateFields& block) {
  RunState state;
  state.phase =
      static_cast<PlanPhase>(std::clamp<std::int32_t>(block.phase, 0, kPlanPhaseCount - 1));
  state.end = static_cast<RunEnd>(std::clamp<std::int32_t>(block.end, 0, 2));
  state.exit_code = block.exit_code;
  state.epoch = block.epoch;
  state.epochs = block.epochs;
  state.batch = block.batch;
  state.batches = block.batches;
  state.batch_size = block.batch_size;
  state.micro_batch = block.micro_batch;
  state.workers = block.workers;
  state.imgsz = block.imgsz;
  state.unix_ms = block.unix_ms;
  for (std::size_t place = 0; place < kMemoryPlaceCount; ++place) {
    for (std::size_t tag = 0; tag < kMemoryTagCount; ++tag) {
      const auto& row = block.rows[place][tag];
      state.ledger.rows[place][tag] = {Bytes(row[0]), Bytes(row[1])};
    }
    state.ledger.totals[place] = {Bytes(block.totals[place][0]), Bytes(block.totals[place][1])};
  }
  state.rss = Bytes(block.rss);
  state.rss_anon = Bytes(block.rss_anon);
  state.high_water = Bytes(block.high_water);
  state.budget = Bytes(block.budget);
  state.limit = Bytes(block.limit);
  state.device_budget = Bytes(block.device_budget);
  state.device_used = Bytes(block.device_used);
  state.lesson.cut_budget = Bytes(block.cut_budget);
  state.pressure_some = block.pressure_some;
  state.limit_falls_per_s = block.limit_falls_per_s;
  state.images_per_s = block.images_per_s;
  state.limit_origin = Get(block.limit_origin);
  state.note = Get(block.note);
  return state;
}

RunState Decode(const StateBlock& block) {
  RunState state = Decode(block.fields);
  const StateMore& more = block.more;
  for (std::size_t i = 0; i < kPlanPhaseCount; ++i) {
    state.planned[i] = Bytes(more.planned[i]);
    state.lesson.unplanned[i] = Bytes(more.unplanned[i]);
  }
  state.smallest = Bytes(more.smallest);
  state.limit_set = Bytes(more.limit_set);
  state.lesson.limit = Bytes(more.kill_limit);
  state.group_oom_kills = Known(more.group_oom_kills);
  state.host_oom_kills = Known(more.host_oom_kills);
  state.lesson.doubtful = more.doubtful != 0;
  state.lesson.kills = more.kills;
  return state;
}

// What is not said of a run of the version before is as it was then.
RunState Decode(const StateBlockBefore& block) { return Decode(block.fields); }

// The newer of the two that are whole; an empty one where none was written yet.
template <typename State>
std::optional<RunState> NewestState(const PageOf<State>& page) {
  if (page.states[0].fields.sequence == 0 && page.states[1].fields.sequence == 0) return RunState();
  const State* newest = nullptr;
  for (const State& block : page.states) {
    if (block.fields.sequence == 0 || block.checksum != Checksum(block)) continue;
    if (newest == nullptr || block.fields.sequence > newest->fields.sequence) newest = &block;
  }
  return newest == nullptr ? std::nullopt : std::optional(Decode(*newest));
}

template <typename State>
std::optional<RunState> NewestStateIn(std::string_view bytes) {
  PageOf<State> page;
  std::memcpy(&page, bytes.data(), sizeof page);
  return NewestState(page);
}

// Best effort: the page is for explaining, a disk that fails shows elsewhere.
void SyncToDisk(std::byte* page, std::size_t size) {
  static_cast<void>(::msync(page, size, MS_SYNC));
}

}  // namespace

std::int64_t UnixMilliseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

RunIdentity IdentifyThisProcess(const SystemRoot& root) {
  RunIdentity identity;
  if (const auto boot_id = ReadFile(root.At("/proc/sys/kernel/random/boot_id")))
    identity.boot_id = Trim(*boot_id);
  std::array<char, 65> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) identity.host_name = host.data();
  std::error_code ignored;
  identity.pid_namespace =
      std::filesystem::read_symlink(root.At("/proc/self/ns/pid"), ignored).string();
  identity.pid = ::getpid();
  identity.start_ticks = HostMemoryReader(root).ReadProcess().start_ticks;
  std::array<char, kPollBufferSize> buffer;
  for (const CgroupNode& node : FindCgroups(root).memory) {
    identity.group_oom_kills = CgroupMemory(node).OomKills(buffer);
    identity.cgroup = node.path;
    identity.cgroup_identity = IdentifyCgroup(node.real).value_or(CgroupIdentity());
    identity.cgroup_v2 = node.version == CgroupVersion::kV2;
    if (identity.group_oom_kills) break;
  }
  identity.host_oom_kills =
      FindNumber(PolledFile(root.At("/proc/vmstat")).Read(buffer), "oom_kill");
  identity.start_unix_s = UnixMilliseconds() / 1000;
  return identity;
}

void SetFromSample(RunState& state, const ResourceSample& sample, std::string_view limit_origin,
                   double limit_falls_per_s) {
  state.unix_ms = UnixMilliseconds();
  state.ledger = sample.ledger;
  state.rss = sample.process.rss;
  state.rss_anon = sample.process.rss_anon;
  state.high_water = sample.process.high_water;
  state.budget = sample.budget;
  state.limit = sample.limit;
  state.limit_set = sample.limit_set;
  state.limit_origin = limit_origin;
  state.limit_falls_per_s = limit_falls_per_s;
  state.group_oom_kills = sample.oom_kills;
  state.host_oom_kills = sample.host_oom_kills;
  state.pressure_some = sample.pressure ? sample.pressure->some_avg10 : -1;
  if (sample.gpu) state.device_used = sample.gpu->used;
}

class LastStateWriter::Turn {
 public:
  explicit Turn(LastStateWriter& writer) : writer_(writer) {}
  ~Turn() { writer_.EndTurn(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  LastStateWriter& writer_;
};

LastStateWriter::LastStateWriter(const std::filesystem::path& path, const RunIdentity& identity,
                                 PageSync sync)
    : sync_(sync ? std::move(sync) : SyncToDisk) {
  const IdentityBlock block = Encode(identity);
  // Written in full before it is mapped: a write to a hole of a full disk is a bus error.
  WriteFileAtomic(path, [&block](FileWriter& writer) {
    std::array<char, kLastStateSize> bytes{};
    std::memcpy(bytes.data(), &block, sizeof block);
    writer.Write(bytes.data(), bytes.size());
  });
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  const int open_error = errno;
  void* const mapped = descriptor < 0 ? MAP_FAILED
                                      : ::mmap(nullptr, kLastStateSize, PROT_READ | PROT_WRITE,
                                               MAP_SHARED, descriptor, 0);
  const int error = descriptor < 0 ? open_error : errno;
  if (descriptor >= 0) ::close(descriptor);
  if (mapped == MAP_FAILED)
    throw WriteError(fmt::format("cannot map {}: {}", path.string(), std::strerror(error)));
  page_ = static_cast<std::byte*>(mapped);
}

LastStateWriter::~LastStateWriter() {
  Sync();
  ::munmap(page_, kLastStateSize);
}

void LastStateWriter::Update(const RunState& state) {
  Update([&state] { return state; });
}

void LastStateWriter::Update(const StateSource& newest) { Write(newest, WhenBusy::kWait); }

bool LastStateWriter::TryUpdate(const StateSource& newest) {
  return Write(newest, WhenBusy::kSkip);
}

bool LastStateWriter::Write(const StateSource& newest, WhenBusy when_busy) {
  if (!BeginTurn(when_busy)) return false;
  const Turn turn(*this);
  const StateBlock block = Encode(newest(), ++sequence_);
  std::memcpy(page_ + offsetof(Page, states) + (sequence_ % 2) * sizeof(StateBlock), &block,
              sizeof block);
  return true;
}

bool LastStateWriter::BeginTurn(WhenBusy when_busy) {
  MutexLock lock(mutex_);
  // A store into a page that is being synced may wait for the disk, too.
  if (when_busy == WhenBusy::kSkip && (writing_ || syncs_ > 0)) return false;
  while (writing_) turn_ended_.wait(mutex_);
  writing_ = true;
  return true;
}

void LastStateWriter::EndTurn() {
  MutexLock lock(mutex_);
  writing_ = false;
  turn_ended_.notify_one();
}

void LastStateWriter::Sync() {
  {
    MutexLock lock(mutex_);
    ++syncs_;
  }
  sync_(page_, kLastStateSize);
  MutexLock lock(mutex_);
  --syncs_;
}

Result<LastState> ReadLastState(const std::filesystem::path& path) {
  const auto failure = [&path](std::string_view why) {
    return Failure{fmt::format("{}: {}", path.string(), why)};
  };
  // While a run writes, both places may be caught half-written: look again.
  for (int attempt = 0; attempt < 3; ++attempt) {
    const Result<std::string> bytes = ReadFile(path);
    if (!bytes) return Failure{bytes.error()};
    if (bytes->size() != kLastStateSize) return failure("is no last-state page (4096 bytes)");
    IdentityBlock identity;
    std::memcpy(&identity, bytes->data(), sizeof identity);
    if (identity.magic != kMagic) return failure("is no last-state page");
    const bool before = identity.version == kVersionBefore;
    if ((identity.version != kVersion && !before) || identity.tag_count != kMemoryTagCount)
      return failure("was written by another version of the program");
    if (identity.checksum != Checksum(identity)) return failure("is damaged");
    auto state =
        before ? NewestStateIn<StateBlockBefore>(*bytes) : NewestStateIn<StateBlock>(*bytes);
    if (state) return LastState{Decode(identity), std::move(*state)};
  }
  return failure("is damaged");
}

}  // namespace headroom
