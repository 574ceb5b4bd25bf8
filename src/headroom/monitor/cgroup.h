// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/monitor/polled_file.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace headroom {

enum class CgroupVersion : std::uint8_t { kV1, kV2 };

// A control group that holds this process, itself or an ancestor.
struct CgroupNode {
  CgroupVersion version;
  std::string path;            // As the system has it: "/sys/fs/cgroup/memory/job".
  std::filesystem::path real;  // Behind the root prefix.
};

// Leaf first, up to the top that is visible here. v1, v2 and hybrid set-ups; groups without the
// controller's files are left out.
struct CgroupMembership {
  std::vector<CgroupNode> memory;
  std::vector<CgroupNode> cpu;
};

// From /proc/<process>/cgroup and /proc/<process>/mountinfo. Without cgroups: empty.
[[nodiscard]] CgroupMembership FindCgroups(const SystemRoot& root,
                                           std::string_view process = "self");

// A group's folder as the kernel numbers it. Another group that gets the same path, as the next
// start of a container does, has another one.
struct CgroupIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const CgroupIdentity&, const CgroupIdentity&) = default;
};
// nullopt where there is no such folder.
[[nodiscard]] std::optional<CgroupIdentity> IdentifyCgroup(const std::filesystem::path& real);

// The memory side of one group, through open files; reading allocates nothing.
class CgroupMemory {
 public:
  struct Usage {
    Bytes limit = Bytes::Max();  // memory.max; v1: limit_in_bytes and hierarchical_memory_limit.
    Bytes high = Bytes::Max();   // memory.high, where the kernel throttles.
    Bytes used;                  // With page cache.
    Bytes reclaimable;           // Page cache that needs no swap (shmem does), kernel caches (v2).
    Bytes dirty;                 // Of it, what must be written first.
    bool hierarchical = false;   // The v1 limit is that of an ancestor that is not visible here.

    [[nodiscard]] Bytes Tightest() const { return std::min(limit, high); }
    // What the group will not give up without a kill. Who allocates waits for dirty pages to be
    // written; only where they stay dirty (a disk that does not keep up) are they held, too.
    [[nodiscard]] Bytes Held() const { return SaturatingSub(used, reclaimable); }
  };
  explicit CgroupMemory(const CgroupNode& node);

  // The buffer is scratch, kPollBufferSize or more.
  [[nodiscard]] Usage Read(std::span<char> buffer) const;
  // Processes of the group that the kernel killed for memory, ever; nullopt on old kernels.
  [[nodiscard]] std::optional<std::uint64_t> OomKills(std::span<char> buffer) const;
  // The file that Tightest() comes from: "memory.high of /sys/fs/cgroup/job".
  [[nodiscard]] std::string Origin(const Usage& usage) const;
  [[nodiscard]] const CgroupNode& node() const { return node_; }

 private:
  CgroupNode node_;
  PolledFile limit_;
  PolledFile high_;
  PolledFile usage_;
  PolledFile stat_;
  PolledFile events_;
};

// Cores' worth of CPU time that the quotas allow, with the file that says so; nullopt without one.
struct CpuQuota {
  double cores;
  std::string origin;
};
[[nodiscard]] std::optional<CpuQuota> FindCpuQuota(const CgroupMembership& groups);

}  // namespace headroom
