// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/option_value.h"
#include "headroom/core/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

// What device= asks for. Whether it is there is known only to who opens it.
struct DeviceChoice {
  enum class Kind : std::uint8_t { kAutomatic, kCpu, kMps, kCuda };
  Kind kind = Kind::kAutomatic;
  std::vector<int> indices;  // kCuda: GPUs in order; -1 is any idle one.

  // As args.yaml has it: "", "cpu", "mps", "0", "0,1".
  [[nodiscard]] std::string Canonical() const;
  friend bool operator==(const DeviceChoice&, const DeviceChoice&) = default;
};

// Takes None, cpu, mps, 0, cuda, cuda:0, 0,1, [0, 1], "cuda:0,cuda:1", -1.
[[nodiscard]] Result<DeviceChoice> ParseDevice(const OptionValue& value);

}  // namespace headroom
