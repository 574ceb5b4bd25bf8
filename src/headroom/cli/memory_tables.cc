// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/memory_tables.h"

#include "headroom/cli/process_setup.h"
#include "headroom/core/error.h"
#include "headroom/core/shell_quote.h"
#include "headroom/core/strings.h"
#include "headroom/monitor/device_budget.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/train/training_loader.h"

#include <ATen/Context.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace headroom {
namespace {

constexpr std::array<int, 5> kMachinesGb = {8, 16, 32, 64, 128};

Bytes ParsedSize(const std::string& text, const char* option) {
  const Result<Bytes> bytes = ParseBytes(text);
  if (!bytes) throw ConfigError(fmt::format("{}={}: {}", option, text, bytes.error()));
  return *bytes;
}

std::string Micro(const TrainSettings& t) {
  const std::int64_t micro = std::min<std::int64_t>(t.micro_batch, t.batch);
  return micro == t.batch ? std::string("whole") : fmt::format("{}", micro);
}

std::string Row(const std::string& name, const PlannedMachine::Outcome& outcome) {
  const TrainSettings& t = outcome.fit.settings;
  return fmt::format("{:<14}{:>8}{:>14}{:>13}{:>10}{:>14}{:>14}\n", name, t.batch,
                     outcome.fit.fits ? Micro(t) : std::string("does not fit"), Name(t.recompute),
                     t.workers, ToString(t.pool_limit),
                     ToString(outcome.fit.plan.Peak(MemoryPlace::kHost)));
}

std::string Header(const std::string& name) {
  return fmt::format("{:<14}{:>8}{:>14}{:>13}{:>10}{:>14}{:>14}\n", name, "batch", "micro-batch",
                     "recompute", "workers", "mosaic pool", "peak");
}

// Options with one of them changed, as if it had been typed.
Options With(const Options& options, const std::string& name, const OptionValue& value) {
  OptionSet set = options.set;
  set.Set(name, value);
  std::vector<Override> typed;
  for (const std::string& word : options.typed) typed.push_back({word, set.Get(word)});
  typed.push_back({name, value});
  return Options::From(std::move(set), typed);
}

std::vector<OptionValue> Values(const std::string& knob) {
  const auto numbers = [](std::initializer_list<std::int64_t> list) {
    std::vector<OptionValue> values;
    for (const std::int64_t n : list) values.emplace_back(n);
    return values;
  };
  if (knob == "batch") return numbers({4, 8, 16, 32, 64, 128});
  if (knob == "imgsz") return numbers({320, 480, 640, 960, 1280});
  if (knob == "workers") return numbers({1, 2, 4, 8, 16});
  if (knob == "recompute")
    return {OptionValue("none"), OptionValue("activations"), OptionValue("blocks")};
  throw ConfigError(fmt::format(
      "compare={}: knobs are batch, imgsz, workers and recompute, separated by commas", knob));
}

// What the knob's value needs before anything gives.
MemoryPlan Unfitted(const PlannedMachine& machine, const Options& options) {
  const RunChoice choice = machine.setup().Choose(options, machine.limits());
  return PlanTraining(machine.setup().Subject(choice.optimizer.kind, options), choice.wanted);
}

// Of the device that vram= describes, or of the one that is here.
PlanLimit DeviceLimit(const Options& options) {
  if (options.vram) {
    return {Scale(ParsedSize(*options.vram, "vram"), kDefaultDeviceFraction),
            fmt::format("85 % of vram={}", *options.vram)};
  }
  const std::vector<int>& indices = options.device_choice.indices;
  const int index = indices.empty() ? 0 : std::max(indices.front(), 0);
  const Result<std::unique_ptr<GpuMemory>> gpu = GpuMemory::Open();
  const Result<MemoryLimit> here =
      gpu ? DeviceBudget(**gpu, index, std::nullopt) : Result<MemoryLimit>(Failure{gpu.error()});
  if (!here) {
    throw ConfigError(fmt::format(
        "device={}: {}. To plan for another machine say how much memory its device has: vram=24G",
        options.device, here.error()));
  }
  return {here->bytes, here->origin};
}

}  // namespace

PlannedMachine::PlannedMachine(const Options& options, TrainObserver& observer)
    : setup_(options, ReadSettings(), SetUpProcess(options), observer) {
  const Options& o = setup_.options;
  // vram= alone says as much as device=0 beside it.
  const DeviceChoice::Kind kind = o.device_choice.kind;
  if (kind == DeviceChoice::Kind::kCuda ||
      (kind == DeviceChoice::Kind::kAutomatic && (o.vram || at::hasCUDA())))
    setup_.place = MemoryPlace::kDevice;
  setup_.ReadDataset();
  setup_.BuildNetwork();
  setup_.ReadData();
  setup_.MeasureProcess();
  ram_ = setup_.machine_limit;
  limits_ = setup_.Limits();
  if (o.ram) {
    ram_ = ParsedSize(*o.ram, "ram");
    limits_ = HostOf(ram_, fmt::format("ram={}", *o.ram));
  }
  if (setup_.place == MemoryPlace::kDevice) limits_[1] = DeviceLimit(o);
}

PlanLimits PlannedMachine::HostOf(Bytes ram, const std::string& origin) const {
  const Result<MemoryLimit> budget =
      BudgetFromOption(setup_.options.memory, {ram, origin}, "memory");
  if (!budget) throw ConfigError(budget.error());
  PlanLimits limits = limits_;
  limits[0] = {budget->bytes, budget->origin};
  return limits;
}

PlannedMachine::Outcome PlannedMachine::Fit(const PlanLimits& limits) const {
  return FitWith(setup_.options, limits);
}

PlannedMachine::Outcome PlannedMachine::FitWith(const Options& options,
                                                const PlanLimits& limits) const {
  const RunChoice choice = setup_.Choose(options, limits);
  return {FitTraining(setup_.Subject(choice.optimizer.kind, options), choice.wanted, limits),
          choice.batch.why, choice.optimizer.kind};
}

std::string ReferenceText(const PlannedMachine& machine) {
  const PlannedMachine::Outcome outcome = machine.Fit(machine.limits());
  const int cores = machine.gpus() > 0
                        ? std::max(machine.setup().cores(), machine.setup().options.workers)
                        : machine.setup().cores();
  return ExplainReferenceFor(machine.setup().Subject(outcome.optimizer), outcome.fit.settings,
                             cores, machine.gpus(), machine.ram());
}

std::string PlanText(const PlannedMachine& machine) {
  const PlannedMachine::Outcome outcome = machine.Fit(machine.limits());
  std::string text;
  if (!outcome.batch_note.empty()) text += outcome.batch_note + "\n";
  text += "Memory plan: " + Describe(outcome.fit.settings) + "\n";
  for (const std::string& step : outcome.fit.taken)
    text += fmt::format("  to fit the limit: {}\n", step);
  text += FormatPlan(outcome.fit.plan, machine.limits());
  if (!outcome.fit.fits) text += ExplainUnfit(outcome.fit.plan, machine.limits()) + "\n";
  return text + ReferenceText(machine);
}

std::string CompareText(const PlannedMachine& machine, const std::string& knob) {
  std::string text = fmt::format("\n{:<14}{:>14}   fitted to the limit:\n", knob, "needs whole");
  text += fmt::format("{:<14}{:>14}{:>14}{:>13}{:>10}{:>14}\n", "", "", "micro-batch", "recompute",
                      "workers", "peak");
  for (const OptionValue& value : Values(knob)) {
    const Options options = With(machine.setup().options, knob, value);
    const PlannedMachine::Outcome outcome = machine.FitWith(options, machine.limits());
    const TrainSettings& t = outcome.fit.settings;
    text +=
        fmt::format("{:<14}{:>14}{:>14}{:>13}{:>10}{:>14}\n", value.ToText(),
                    ToString(Unfitted(machine, options).Peak(MemoryPlace::kHost)),
                    outcome.fit.fits ? Micro(t) : std::string("does not fit"), Name(t.recompute),
                    t.workers, ToString(outcome.fit.plan.Peak(MemoryPlace::kHost)));
  }
  return text;
}

std::string AdviceText(const PlannedMachine& machine, const std::vector<std::string>& words) {
  const PlannedMachine::Outcome here = machine.Fit(machine.limits());
  std::string text = "Best for this machine: " + Describe(here.fit.settings) + "\n\n";
  text += Header("machine") + Row("this one", here);
  for (const int gb : kMachinesGb) {
    const std::string name = fmt::format("{} GB", gb);
    text +=
        Row(name, machine.Fit(machine.HostOf(Bytes::GiB(static_cast<std::uint64_t>(gb)), name)));
  }
  for (const char* knob : {"batch", "imgsz", "recompute", "workers"})
    text += CompareText(machine, knob);
  const Bytes room =
      SaturatingSub(machine.limits()[0].bytes, here.fit.plan.Peak(MemoryPlace::kHost));
  Options cached = With(machine.setup().options, "cache", OptionValue("ram"));
  const Bytes cache = WholeRamCache(cached, *machine.setup().train_index);
  text += fmt::format("\nDecoded images take {} in memory; {} are free: cache=ram {}.\n",
                      ToString(cache), ToString(room),
                      cache <= room ? "holds all of them" : "would hold a part of them");
  std::string command = "yolo detect train";
  bool batch = false, cache_typed = false;
  for (const std::string& word : words) {
    if (word.starts_with("ram=") || word == "train" || word == "detect") continue;
    batch = batch || word.starts_with("batch=");
    cache_typed = cache_typed || word.starts_with("cache=");
    command += " " + ShellQuote(word);
  }
  if (!batch) command += fmt::format(" batch={}", here.fit.settings.batch);
  if (!cache_typed && cache <= room) command += " cache=ram";
  return text + "\n" + command;
}

}  // namespace headroom
