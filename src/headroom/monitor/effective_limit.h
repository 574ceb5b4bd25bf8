// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/core/result.h"
#include "headroom/monitor/cgroup.h"
#include "headroom/monitor/host_memory.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

// How many bytes this process may hold in all, and which file says so.
struct MemoryLimit {
  Bytes bytes = Bytes::Max();
  std::string origin;
};

// Every limit on this process's memory, read again and again. What counts is what we may hold in
// all, so what we hold already is added to what is free:
//   MemAvailable + our anonymous bytes;
//   for each memory cgroup: its limit (v2: the smaller of max and high) less what others in it hold
//   that cannot be reclaimed (usage - file cache - our anonymous bytes; shmem counts as held, dirty
//   pages do not: they are clean in a moment, as a checkpoint is that we write ourselves);
//   RLIMIT_AS - address space in use (libraries included) + our anonymous bytes: what we map and
//   fill ourselves moves it as little as the others; RLIMIT_DATA in the same way, which counts
//   private writable pages (stacks, too) whether they are touched or not.
// Reading allocates nothing. Not thread-safe.
class LimitWatch {
 public:
  explicit LimitWatch(const SystemRoot& root, const ResourceLimits& rlimits = ReadResourceLimits());

  struct Reading {
    Bytes limit = Bytes::Max();  // The smallest.
    std::size_t source = 0;      // Which: Describe() says it in words.
    HostMemory host;
    ProcessMemory process;
    Bytes set = Bytes::Max();           // That limit as it is set: with what others hold.
    Bytes dirty;                        // What the limit expects to become clean.
    Bytes cgroup_limit = Bytes::Max();  // Of the tightest group, and its use with page cache.
    Bytes cgroup_used;

    // What may still be taken.
    [[nodiscard]] Bytes Room() const { return SaturatingSub(limit, process.rss_anon); }
  };
  [[nodiscard]] Reading Read();
  // All limits of the last reading, smallest first, with figures in their origins.
  [[nodiscard]] std::vector<MemoryLimit> All() const;
  // "memory.max of /sys/fs/cgroup/job (4.00 GiB, others hold 210 MiB)", of the last reading.
  [[nodiscard]] std::string Describe(std::size_t source) const;
  // The kernel's count of memory kills in the innermost group that has one.
  [[nodiscard]] std::optional<std::uint64_t> OomKills();
  [[nodiscard]] const std::vector<CgroupMemory>& groups() const { return groups_; }
  // Of a reading's source: from the innermost group up to the one that limits, how many.
  [[nodiscard]] static bool IsHost(std::size_t source) { return source == 0; }
  [[nodiscard]] static std::size_t GroupsUpTo(std::size_t source) {
    return source < kFirstGroup ? 0 : source - kFirstGroup + 1;
  }

 private:
  // Sources: 0 MemAvailable, 1 RLIMIT_AS, 2 RLIMIT_DATA, then the groups.
  static constexpr std::size_t kFirstGroup = 3;

  HostMemoryReader memory_;
  ResourceLimits rlimits_;
  std::vector<CgroupMemory> groups_;
  std::vector<CgroupMemory::Usage> usages_;
  std::vector<Bytes> limits_;
  Reading last_;
  std::vector<char> buffer_;
};

struct EffectiveLimit {
  MemoryLimit smallest;
  std::vector<MemoryLimit> all;  // Smallest first.
};
[[nodiscard]] EffectiveLimit FindEffectiveLimit(
    const SystemRoot& root = {}, const ResourceLimits& rlimits = ReadResourceLimits());

inline constexpr double kDefaultBudgetFraction = 0.8;

// The budget for the option `memory=` (or `vram=`, by name): unset is the usual part of the limit;
// "0.8" or "80%" that part of it; "6G" an amount, or what unset means where that is more than the
// limit (the origin says so). Failure: what is wrong, what is allowed.
[[nodiscard]] Result<MemoryLimit> BudgetFromOption(std::optional<std::string_view> option,
                                                   const MemoryLimit& limit,
                                                   std::string_view name = "memory",
                                                   double usual = kDefaultBudgetFraction);

}  // namespace headroom
