// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/monitor/last_state.h"
#include "headroom/monitor/run_fate.h"

namespace headroom::testing {

// A run as its page shows it, in mid-run, and an hour later when nothing has happened.
inline RunState SomeState() {
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

inline RunIdentity SomeIdentity() {
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

inline PresentSystem SamePresent() {
  PresentSystem present;
  present.boot_id = "boot-a";
  present.host_name = "host-a";
  present.pid_namespace = "pid:[1]";
  present.unix_ms = SomeState().unix_ms + 3'600'000;
  present.group_oom_kills = 2;
  present.host_oom_kills = 5;
  return present;
}

}  // namespace headroom::testing
