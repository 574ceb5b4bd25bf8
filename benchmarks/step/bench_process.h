// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace headroom {

struct StepMeasure {
  double seconds = 0;
  std::int64_t page_faults = 0;
};

// A variant in a process of its own, so that its peak is its own. It runs a step when it is told
// to, hence several can be timed in turn. The protocol, one line each way: "step" is answered by
// "SECONDS FAULTS", "end" by "PEAK_MIB" (VmHWM); any program can speak it.
class BenchProcess {
 public:
  explicit BenchProcess(const std::vector<std::string>& command);
  ~BenchProcess();
  BenchProcess(const BenchProcess&) = delete;
  BenchProcess& operator=(const BenchProcess&) = delete;

  [[nodiscard]] StepMeasure Step();
  // Ends the process; returns its peak in MiB.
  [[nodiscard]] double End();

 private:
  [[nodiscard]] std::string Ask(const std::string& line);

  pid_t pid_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

// The other side: answers until "end" or the end of the input.
void ServeSteps(const std::function<void()>& step);

}  // namespace headroom
