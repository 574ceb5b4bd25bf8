// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/usable_cores.h"

#include "headroom/core/strings.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <thread>

namespace headroom {
namespace {

int CountAffinity() {
  // Machines with more cores than cpu_set_t has bits refuse it: ask with a larger mask.
  for (int cores = CPU_SETSIZE; cores <= (1 << 18); cores *= 4) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(
        CPU_ALLOC(cores), [](cpu_set_t* set) { CPU_FREE(set); });
    const std::size_t size = CPU_ALLOC_SIZE(cores);
    if (::sched_getaffinity(0, size, mask.get()) == 0) return CPU_COUNT_S(size, mask.get());
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

UsableCores FindUsableCores(int affinity, const std::optional<CpuQuota>& quota,
                            std::optional<std::string_view> omp_num_threads) {
  std::int64_t asked = 0;
  // A list gives the threads of nested regions after the first: "4,2".
  if (omp_num_threads && ParseInt(Trim(Split(*omp_num_threads, ',')[0]), &asked) && asked >= 1) {
    return {static_cast<int>(std::min<std::int64_t>(asked, 1 << 16)), "OMP_NUM_THREADS"};
  }
  affinity = std::max(affinity, 1);
  if (quota && quota->cores < affinity) {
    return {std::max(static_cast<int>(std::floor(quota->cores)), 1),
            fmt::format("{} ({:.3g} cores)", quota->origin, quota->cores)};
  }
  return {affinity, "the affinity mask"};
}

UsableCores FindUsableCores(const SystemRoot& root) {
  const char* omp = std::getenv("OMP_NUM_THREADS");
  return FindUsableCores(CountAffinity(), FindCpuQuota(FindCgroups(root)),
                         omp == nullptr ? std::nullopt : std::optional<std::string_view>(omp));
}

}  // namespace headroom
