// SPDX-License-Identifier: Apache-2.0
// What watching costs: once a second, so a sample of 1 ms would be 0.1 % of one core.
#include "headroom/monitor/last_state.h"
#include "headroom/monitor/memory_csv.h"
#include "headroom/monitor/pressure_policy.h"
#include "headroom/monitor/system_source.h"

#include <benchmark/benchmark.h>

#include <vector>

namespace headroom {
namespace {

void BM_Sample(benchmark::State& state) {
  const Ledger ledger;
  SystemSource source(SystemRoot(), ledger, nullptr);
  for (auto _ : state) benchmark::DoNotOptimize(source.Sample());
}
BENCHMARK(BM_Sample);

void BM_Advise(benchmark::State& state) {
  std::vector<ResourceSample> samples(64);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i].seconds = static_cast<double>(i);
    samples[i].limit = Bytes::GiB(4);
  }
  for (auto _ : state) benchmark::DoNotOptimize(Advise(samples, Bytes::GiB(3)));
}
BENCHMARK(BM_Advise);

void BM_LastStateUpdate(benchmark::State& state) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / "headroom_bench_last_state";
  LastStateWriter writer(path, IdentifyThisProcess());
  const RunState run;
  for (auto _ : state) writer.Update(run);
  std::filesystem::remove(path);
}
BENCHMARK(BM_LastStateUpdate);

void BM_CsvRow(benchmark::State& state) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / "headroom_bench_memory.csv";
  MemoryCsv csv(path);
  const ResourceSample sample;
  for (auto _ : state) csv.Add(sample);
  std::filesystem::remove(path);
}
BENCHMARK(BM_CsvRow)->Iterations(20000);

}  // namespace
}  // namespace headroom
