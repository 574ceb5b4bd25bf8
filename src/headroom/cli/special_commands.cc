// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"
#include "headroom/config/help_text.h"
#include "headroom/config/settings.h"
#include "headroom/core/file.h"
#include "headroom/kernels/simd_target.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/monitor/gpu_memory.h"
#include "headroom/monitor/host_memory.h"
#include "headroom/monitor/usable_cores.h"
#include "headroom/train/run_setup.h"
#include "headroom/train/train_plan.h"

#include <ATen/Context.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <cstdio>
#include <memory>

namespace headroom {
namespace {

void Print(const std::string& text) { std::fputs(text.c_str(), stdout); }

// A line for each of NVIDIA's devices, or why there is none.
std::string DeviceLines() {
  std::string text = fmt::format("CUDA in this LibTorch: {}\n", at::hasCUDA() ? "yes" : "no");
  Result<std::unique_ptr<GpuMemory>> gpus = GpuMemory::Open();
  if (!gpus) return text + fmt::format("GPUs: none ({})\n", gpus.error());
  for (int i = 0; i < (*gpus)->count(); ++i) {
    const Result<GpuSample> now = (*gpus)->Read(i);
    text += now ? fmt::format("GPU {}: {}, {} of {} free\n", i, (*gpus)->DeviceName(i),
                              ToString(now->free), ToString(now->total))
                : fmt::format("GPU {}: {}\n", i, now.error());
  }
  return text;
}

std::string DefaultRun(const EffectiveLimit& limit, int cores) {
  const auto budget = BudgetFromOption(std::nullopt, limit.smallest);
  if (!budget) return {};
  const Options options = Options::FromOverrides({});
  const TrainSettings settings = InitialSettings(options, static_cast<int>(options.batch), cores);
  const PrecisionChoice precision =
      ChoosePrecision(options.amp, at::hasCUDA() ? at::Device(at::kCUDA, 0) : at::kCPU);
  return fmt::format(
      "A default run may hold {} ({}),\n"
      "  and would use batch {}, {} workers, {} threads and {}.\n"
      "What a training of yours needs: yolo memory plan data=... model=...\n",
      ToString(budget->bytes), budget->origin, settings.batch, settings.workers, cores,
      precision.note);
}

std::string Checks() {
  const EffectiveLimit limit = FindEffectiveLimit();
  const UsableCores cores = FindUsableCores();
  const HostMemory host = HostMemoryReader(SystemRoot{}).ReadHost();
  std::string text = fmt::format("Headroom {}, LibTorch {}\n", kVersion, TORCH_VERSION);
  text += fmt::format("Host: {} of memory, {} available\n", ToString(host.total),
                      ToString(host.available));
  text += fmt::format("Cores: {} ({})\n", cores.count, cores.origin);
  text += fmt::format("bf16 multiplication: {}\n", MultipliesBFloat16() ? "yes" : "no");
  text += DeviceLines();
  text += "Memory limits, smallest first:\n";
  for (const MemoryLimit& one : limit.all)
    text += fmt::format("  {:>10}  {}\n", ToString(one.bytes), one.origin);
  return text + DefaultRun(limit, cores.count);
}

}  // namespace

ExitCode RunSpecial(const ParsedCommand& command) {
  const std::string& word = command.special;
  if (word == "help") {
    Print(HelpFor(command.arguments));
  } else if (word == "version") {
    Print(fmt::format("{}\n", kVersion));
  } else if (word == "cfg") {
    Print(DefaultsYaml());
  } else if (word == "copy-cfg") {
    WriteFileAtomic("default_copy.yaml", DefaultsYaml());
    Print("default_copy.yaml was written; use it with cfg=default_copy.yaml\n");
  } else if (word == "checks") {
    Print(Checks());
  } else if (word == "settings") {
    for (const std::string& line : ChangeSettings(command.arguments)) Print(line + "\n");
    Print(SettingsText(ReadSettings()));
  } else {
    throw ConfigError(fmt::format("`yolo {}` is not part of this version", word));
  }
  return ExitCode::kDone;
}

}  // namespace headroom
