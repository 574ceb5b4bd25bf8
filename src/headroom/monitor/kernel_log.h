// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/monitor/polled_file.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

// A process that the kernel killed for memory, as its log tells it.
struct KernelKill {
  std::int64_t pid = 0;      // Of the outermost pid namespace.
  std::string name;          // Of the program, 15 bytes at most.
  std::string group;         // Its memory group, from the hierarchy's root; empty: not said.
  Bytes anonymous;           // What it held then.
  std::int64_t unix_ms = 0;  // Give or take a minute: the log's clock drifts, and sleeps.
};

struct KernelLog {
  std::int64_t from_unix_ms = 0;  // Of its oldest line: what was before it is not known.
  std::vector<KernelKill> kills;
};

// Lines as /dev/kmsg has them: "3,1234,5678901,-;Out of memory: Killed process ...", microseconds
// since a boot at boot_unix_ms. Lines that are no kill are passed over.
[[nodiscard]] KernelLog ParseKernelLog(std::string_view text, std::int64_t boot_unix_ms);

// /dev/kmsg, at most 8 MiB of it, never waiting. nullopt where it is absent or not permitted, as in
// most containers.
[[nodiscard]] std::optional<KernelLog> ReadKernelLog(const SystemRoot& root = {});

}  // namespace headroom
