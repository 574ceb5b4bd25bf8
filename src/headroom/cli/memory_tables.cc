// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/memory_tables.h"

#include "headroom/cli/process_setup.h"
#include "headroom/core/error.h"
#include "headroom/core/shell_quote.h"
#include "headroom/core/strings.h"
#include "headroom/monitor/device_budget.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/train/training_loader.h"
#include "headroom/train/tried_advice.h"

#include <ATen/Context.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace headroom {
namespace {

constexpr std::array<int, 5> kMachinesGb = {8, 16, 32, 64, 128};
constexpr std::array<int, 6> kCardsGb = {6, 8, 12, 16, 24, 48};

// Less is no machine, but a unit that was mistaken.
constexpr Bytes kSmallestMachine = Bytes::MiB(64);

Bytes ParsedSize(const std::string& text, const char* option) {
  const Result<Bytes> bytes = ParseBytes(text);
  if (!bytes) throw ConfigError(fmt::format("{}={}: {}", option, text, bytes.error()));
  if (*bytes >= kSmallestMachine) return *bytes;
  throw ConfigError(
      fmt::format("{}={}: no machine has so little memory ({}); write how much it has, with its "
                  "unit, for example {}=31G (at least {})",
                  option, text, ToString(*bytes), option, ToString(kSmallestMachine)));
}

std::string Micro(const TrainSettings& t) {
  const std::int64_t micro = std::min<std::int64_t>(t.micro_batch, t.batch);
  return micro == t.batch ? std::string("whole") : fmt::format("{}", micro);
}

bool IsOnDevice(const MemoryPlan& plan) { return plan.Peak(MemoryPlace::kDevice) > Bytes(); }

// The place that is nearest to its limit, and how near: "device 91 %".
std::string Tightest(const MemoryPlan& plan, const PlanLimits& limits) {
  const auto share = [&](MemoryPlace place) {
    return static_cast<double>(plan.Peak(place).count()) /
           static_cast<double>(
               std::max(limits[static_cast<std::size_t>(place)].bytes.count(), std::uint64_t{1}));
  };
  const MemoryPlace place = share(MemoryPlace::kDevice) > share(MemoryPlace::kHost)
                                ? MemoryPlace::kDevice
                                : MemoryPlace::kHost;
  return fmt::format("{} {:.0f} %", Name(place), 100 * share(place));
}

// A plan with a device has two peaks; one of them decides.
std::string PeakTitles(bool on_device) {
  return on_device ? fmt::format("{:>14}{:>14}{:>15}", "host peak", "device peak", "tightest")
                   : fmt::format("{:>14}", "peak");
}

std::string PeakCells(const MemoryPlan& plan, const PlanLimits& limits) {
  std::string cells = fmt::format("{:>14}", ToString(plan.Peak(MemoryPlace::kHost)));
  if (!IsOnDevice(plan)) return cells;
  return cells + fmt::format("{:>14}{:>15}", ToString(plan.Peak(MemoryPlace::kDevice)),
                             Tightest(plan, limits));
}

std::string Row(const std::string& name, const PlannedMachine& machine, const PlanLimits& limits) {
  const PlannedMachine::Outcome outcome = machine.Fit(limits);
  const TrainSettings& t = outcome.fit.settings;
  return fmt::format("{:<14}{:>8}{:>14}{:>13}{:>10}{:>14}{}\n", name, t.batch,
                     outcome.fit.fits ? Micro(t) : std::string("does not fit"), Name(t.recompute),
                     t.workers, ToString(PoolNeed(machine.setup().Subject(outcome.optimizer), t)),
                     PeakCells(outcome.fit.plan, limits));
}

std::string Header(const std::string& name, bool on_device) {
  return fmt::format("{:<14}{:>8}{:>14}{:>13}{:>10}{:>14}{}\n", name, "batch", "micro-batch",
                     "recompute", "workers", "mosaic pool", PeakTitles(on_device));
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

// vram=24G alone says as much as device=0 beside it.
bool PlansDevice(const Options& options) {
  const DeviceChoice::Kind kind = options.device_choice.kind;
  return kind == DeviceChoice::Kind::kCuda ||
         (kind == DeviceChoice::Kind::kAutomatic && (options.vram || at::hasCUDA()));
}

// vram=0.7 is a budget, as in a training; vram=24G describes the device that is planned for.
bool IsShare(const Options& options) { return options.vram && options.set.Get("vram").is_float(); }

PlanLimit CardLimit(Bytes memory, const std::string& name) {
  return {Scale(memory, kDefaultDeviceFraction), fmt::format("85 % of {}", name)};
}

// Of the device that vram= describes, or of the one that is here.
PlanLimit DeviceLimit(const Options& options) {
  if (options.vram && !IsShare(options)) {
    return CardLimit(ParsedSize(*options.vram, "vram"), fmt::format("vram={}", *options.vram));
  }
  const std::vector<int>& indices = options.device_choice.indices;
  const int index = indices.empty() ? 0 : std::max(indices.front(), 0);
  const Result<std::unique_ptr<GpuMemory>> gpu = GpuMemory::Open();
  const Result<MemoryLimit> here =
      gpu ? DeviceBudget(**gpu, index, options.vram) : Result<MemoryLimit>(Failure{gpu.error()});
  if (!here) {
    throw ConfigError(fmt::format(
        "device={}: {}. To plan for another machine say how much memory its device has: vram=24G",
        options.device, here.error()));
  }
  return {here->bytes, here->origin};
}

// This machine, hosts of other sizes and, of a device's plan, other cards in this host.
std::string MachineRows(const PlannedMachine& machine) {
  const bool on_device = machine.gpus() > 0;
  const std::string name = machine.setup().options.ram
                               ? fmt::format("ram={}", *machine.setup().options.ram)
                               : "this one, now";
  std::string rows = Header("machine", on_device) + Row(name, machine, machine.limits());
  const auto gib = [](int gb) { return Bytes::GiB(static_cast<std::uint64_t>(gb)); };
  for (const int gb : kMachinesGb) {
    const std::string other = fmt::format("{} GB", gb);
    rows += Row(other, machine, machine.HostOf(gib(gb), other));
  }
  if (!on_device) return rows;
  for (const int gb : kCardsGb) {
    const std::string card = fmt::format("a {} GB card", gb);
    PlanLimits limits = machine.limits();
    limits[1] = CardLimit(gib(gb), card);
    rows += Row(card, machine, limits);
  }
  return rows;
}

// The machine's options with the batch that was chosen: what a knob buys shows only where all else
// stays.
Options FixedBatch(const PlannedMachine& machine, const PlannedMachine::Outcome& chosen) {
  const Options& options = machine.setup().options;
  if (options.batch >= 1) return options;
  return With(options, "batch", OptionValue(std::int64_t{chosen.fit.settings.batch}));
}

std::string CompareAround(const PlannedMachine& machine, const Options& base,
                          const std::string& knob) {
  const bool on_device = machine.gpus() > 0;
  const auto device_cell = [&](const std::string& text) {
    return on_device ? fmt::format("{:>14}", text) : std::string();
  };
  std::string text = fmt::format("\n{:<14}{:>14}{}   fitted to the limit:\n", knob, "needs whole",
                                 device_cell(""));
  text += fmt::format("{:<14}{:>14}{}{:>14}{:>13}{:>10}{}\n", "", on_device ? "host" : "",
                      device_cell("device"), "micro-batch", "recompute", "workers",
                      PeakTitles(on_device));
  for (const OptionValue& value : Values(knob)) {
    const Options options = With(base, knob, value);
    const PlannedMachine::Outcome outcome = machine.FitWith(options, machine.limits());
    const MemoryPlan whole = Unfitted(machine, options);
    const TrainSettings& t = outcome.fit.settings;
    text +=
        fmt::format("{:<14}{:>14}{}{:>14}{:>13}{:>10}{}\n", value.ToText(),
                    ToString(whole.Peak(MemoryPlace::kHost)),
                    device_cell(ToString(whole.Peak(MemoryPlace::kDevice))),
                    outcome.fit.fits ? Micro(t) : std::string("does not fit"), Name(t.recompute),
                    t.workers, PeakCells(outcome.fit.plan, machine.limits()));
  }
  return text;
}

// The words as typed, without those that describe a machine, and with what was chosen.
std::string CommandToPaste(const Options& options, const std::vector<std::string>& words, int batch,
                           bool cache_fits) {
  const auto starts_with = [](std::string_view word, std::string_view option) {
    word.remove_prefix(std::min(word.find_first_not_of('-'), word.size()));
    return word.starts_with(option);
  };
  const auto is_typed = [&](std::string_view option) {
    return std::any_of(words.begin(), words.end(),
                       [&](const std::string& word) { return starts_with(word, option); });
  };
  std::string command = "yolo detect train";
  for (const std::string& word : words) {
    if (word == "train" || word == "detect" || starts_with(word, "ram=")) continue;
    // In a training it would be the budget itself, with nothing left for the driver.
    if (starts_with(word, "vram=") && !IsShare(options)) continue;
    command += " " + ShellQuote(word);
  }
  if (!is_typed("batch=")) command += fmt::format(" batch={}", batch);
  if (!is_typed("workers=") && options.workers < 0) command += " workers=-1";
  if (!is_typed("cache=") && cache_fits) command += " cache=ram";
  return command;
}

}  // namespace

PlannedMachine::PlannedMachine(const Options& options, TrainObserver& observer)
    : setup_(options, ReadSettings(), SetUpProcess(options), observer) {
  const Options& o = setup_.options;
  const bool on_device = PlansDevice(o);
  if (on_device) setup_.place = MemoryPlace::kDevice;
  // Before anything is read: what is no machine is a mistake in the words.
  ram_ = o.ram ? ParsedSize(*o.ram, "ram") : setup_.machine_limit;
  const PlanLimit device = on_device ? DeviceLimit(o) : PlanLimit();
  setup_.ReadDataset();
  try {
    setup_.BuildNetwork();
    setup_.ReadData();
    setup_.MeasureProcess();
  } catch (const BudgetError& refusal) {
    RefuseTraining(setup_, refusal);
  }
  limits_ = setup_.Limits();
  // What is needed is measured with what is needed.
  if (!o.ram && !on_device && !fits()) static_cast<void>(TrySmallestPlan(setup_));
  if (o.ram) limits_ = HostOf(ram_, fmt::format("ram={}", *o.ram));
  raises_[0] = {
      .ceiling = ram_,
      .origin = o.ram ? fmt::format("ram={}", *o.ram) : FindEffectiveLimit().smallest.origin};
  if (!IsShare(o)) raises_[1].share = kDefaultDeviceFraction;
  if (on_device) limits_[1] = device;
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

std::string ReferenceText(const PlannedMachine& machine, int gpus, Bytes ram) {
  const PlannedMachine::Outcome outcome = machine.Fit(machine.limits());
  const Options& o = machine.setup().options;
  // A machine that is only described has as many cores as its validation wants workers.
  const bool described = o.ram || (gpus > 0 && !at::hasCUDA());
  const int wanted = o.workers < 0 ? CoresOfMachine() : 2 * o.workers;
  const int cores = described ? std::max(CoresOfMachine(), wanted) : CoresOfMachine();
  return ExplainReferenceFor(machine.setup().Subject(outcome.optimizer), outcome.fit.settings,
                             cores, gpus, ram);
}

std::string PlanTable(const PlannedMachine& machine) {
  const PlannedMachine::Outcome outcome = machine.Fit(machine.limits());
  std::string text;
  if (!outcome.batch_note.empty()) text += outcome.batch_note + "\n";
  text +=
      "Memory plan: " + Describe(machine.setup().Subject(outcome.optimizer), outcome.fit.settings) +
      "\n";
  for (const std::string& step : outcome.fit.taken)
    text += fmt::format("  to fit the limit: {}\n", step);
  text += FormatPlan(outcome.fit.plan, machine.limits());
  if (!outcome.fit.fits)
    text += ExplainUnfit(outcome.fit.plan, machine.limits(), machine.raises()) + "\n";
  return text;
}

std::string PlanText(const PlannedMachine& machine) {
  return PlanTable(machine) + ReferenceText(machine, machine.gpus(), machine.ram());
}

std::string CompareText(const PlannedMachine& machine, const std::string& knob) {
  return CompareAround(machine, FixedBatch(machine, machine.Fit(machine.limits())), knob);
}

Options AsAdvised(const Options& options) {
  Options advised = options;
  if (!options.IsTyped("workers")) advised = With(advised, "workers", OptionValue(-1));
  if (!options.IsTyped("batch") && PlansDevice(options))
    advised = With(advised, "batch", OptionValue(-1));
  // Chosen by the command, in no set of options.
  advised.model = options.model;
  advised.data = options.data;
  return advised;
}

std::string AdviceText(const PlannedMachine& machine, const std::vector<std::string>& words) {
  const PlannedMachine::Outcome here = machine.Fit(machine.limits());
  const Options fixed = FixedBatch(machine, here);
  const Options& o = machine.setup().options;
  const std::string place =
      o.ram ? fmt::format("a machine of ram={}", *o.ram)
            : fmt::format("what is free on this machine now ({})", ToString(machine.ram()));
  std::string text =
      fmt::format("Best for {}: {}\n", place,
                  Describe(machine.setup().Subject(here.optimizer), here.fit.settings));
  if (!here.fit.fits)
    text += ExplainUnfit(here.fit.plan, machine.limits(), machine.raises()) + "\n";
  if (!here.batch_note.empty()) text += here.batch_note + "\n";
  if (fixed.workers < 0) {
    text += fmt::format(
        "workers=-1: starts with {}, adds one while the step waits for images and "
        "memory allows\n",
        here.fit.settings.workers);
  }
  text += "\n" + MachineRows(machine);
  for (const char* knob : {"batch", "imgsz", "recompute", "workers"})
    text += CompareAround(machine, fixed, knob);
  const Bytes room =
      SaturatingSub(machine.limits()[0].bytes, here.fit.plan.Peak(MemoryPlace::kHost));
  Options cached = With(machine.setup().options, "cache", OptionValue("ram"));
  const Bytes cache = WholeRamCache(cached, *machine.setup().train_index);
  text += fmt::format("\nDecoded images take {} in memory; {} are free: cache=ram {}.\n",
                      ToString(cache), ToString(room),
                      cache <= room ? "holds all of them" : "would hold a part of them");
  return text + "\n" +
         CommandToPaste(machine.setup().options, words, here.fit.settings.batch, cache <= room);
}

}  // namespace headroom
