// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/memory/ledger.h"
#include "headroom/monitor/gpu_memory.h"
#include "headroom/monitor/host_memory.h"
#include "headroom/monitor/pressure.h"

#include <cstdint>
#include <optional>

namespace headroom {

// What the monitor sees once a second.
struct ResourceSample {
  double seconds = 0;  // Monotonic, since the monitor's start.
  bool extra = false;  // Taken between two regular ones, after a sudden fall.
  ProcessMemory process;
  HostMemory host;
  Bytes limit =
      Bytes::Max();  // What this process may hold in all, now: moves with the others' use.
  std::size_t limit_source = 0;
  Bytes limit_set = Bytes::Max();  // Of a group: its limit with what others hold.
  Bytes dirty;                     // Pages of files that `limit` expects to be written in a moment.
  Bytes cgroup_limit = Bytes::Max();
  Bytes cgroup_used;
  // Kills for memory, of anyone: in the process's group, and on the host. nullopt: not counted.
  std::optional<std::uint64_t> oom_kills;
  std::optional<std::uint64_t> host_oom_kills;
  std::optional<Pressure> pressure;  // Of what limits this process (PressureReader::Concerning).
  std::optional<GpuSample> gpu;
  Ledger::Snapshot ledger{};
  Bytes budget = Bytes::Max();  // The host budget's limit at this time.

  [[nodiscard]] Bytes Held() const { return process.rss_anon; }
  [[nodiscard]] Bytes Room() const { return SaturatingSub(limit, Held()); }
  // Memory that no ledger row names: libraries' own, generated kernels, the heap.
  [[nodiscard]] Bytes Unaccounted() const { return SaturatingSub(Held(), ledger.total().now); }
};

}  // namespace headroom
