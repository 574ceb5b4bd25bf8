// SPDX-License-Identifier: Apache-2.0
#include "headroom/device/out_of_memory.h"
#include "headroom/train/training_run.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

bool TrainingRun::MakeRoom(const std::string& what, int failures, ReclaimOrder from) {
  SayActs();
  const Bytes freed = setup.GiveBackFreeBlocks();
  // Broken off to give way: smaller only where the limit of now asks for it.
  const std::optional<SettingsChange> change = failures == 0   ? adaptation->ToLimit(from)
                                               : failures == 1 ? std::nullopt
                                                               : adaptation->AfterFailure(from);
  if (!change && failures <= 1) {
    observer.OnAdaptation(
        fmt::format("Memory: {}. Gave back {} of free blocks; the same images are run again",
                    BeforeDetails(what), ToString(freed)));
    return true;
  }
  if (!change) return false;
  observer.OnAdaptation(fmt::format("Memory: {}; the same images are run again", change->line));
  Adopt(change->settings);
  return true;
}

void TrainingRun::WithMemory(const char* what, const std::function<void()>& act) {
  try {
    act();
    return;
  } catch (const std::exception& failure) {
    const std::optional<std::string> text = OutOfMemoryText(failure);
    if (!text) throw;
    const Bytes freed = setup.GiveBackFreeBlocks();
    observer.OnMessage(
        fmt::format("Memory: {} while {}. Gave back {} of free blocks; it is done again",
                    BeforeDetails(*text), what, ToString(freed)));
  }
  act();
}

void TrainingRun::MakeLoader() {
  for (int failures = 0;;) {
    try {
      loading->Make(adaptation->now());
      return watch->KeepStepAbove(adaptation->LeastInStep());
    } catch (const std::exception& failure) {
      const std::optional<std::string> what = OutOfMemoryText(failure);
      if (!what || !MakeRoom(*what, ++failures, ReclaimOrder::kMosaicPool)) throw;
    }
  }
}

void TrainingRun::Adopt(const TrainSettings& settings) {
  // The ring holds as many images at once as it was made for.
  const std::int64_t most =
      loading->made() ? loading->loader().max_in_flight() : settings.micro_batch;
  step->set_micro_batch(std::min<std::int64_t>(settings.micro_batch, most));
  step->set_recompute(settings.recompute);
}

void TrainingRun::SayActs() {
  for (const std::string& line : watch->TakeLines()) observer.OnAdaptation(line);
}

bool TrainingRun::AdaptAtBoundary() {
  watch->CutToWanted();
  SayActs();
  if (adaptation->LimitMoved()) setup.RecountRuntime();
  const std::optional<SettingsChange> change = adaptation->AtBoundary();
  if (!change) return false;
  observer.OnAdaptation(change->line);
  Adopt(change->settings);
  setup.executor->Unload();
  // Loading follows: images lost from the pool are decoded again, samples stay the same.
  MakeLoader();
  step->set_micro_batch(adaptation->now().micro_batch);
  return true;
}

void TrainingRun::GrowWithinBatch() {
  const std::optional<SettingsChange> change =
      adaptation->WithinBatch(loading->loader().max_in_flight());
  if (!change) return;
  SayActs();
  observer.OnAdaptation(change->line);
  Adopt(change->settings);
}

void TrainingRun::AdaptWorkers() {
  if (options.workers >= 0) return;
  const double elapsed = Seconds(Clock::now() - adapted_at);
  adapted_at = Clock::now();
  const bool pressure = budget.used() > budget.limit();
  if (const auto line = loading->AdaptWorkers(elapsed, !pressure, pressure))
    observer.OnAdaptation(*line);
}

void TrainingRun::Report(PlanPhase phase, bool sync) {
  RunState state;
  state.phase = phase;
  state.epoch = std::min(position.epoch + 1, epochs);
  state.epochs = epochs;
  state.batch = static_cast<std::int32_t>(position.next_batch);
  state.batches = static_cast<std::int32_t>(batches);
  state.batch_size = batch;
  state.micro_batch = static_cast<std::int32_t>(step->options().micro_batch);
  state.workers = loading && loading->made() ? loading->loader().workers() : 0;
  state.imgsz = options.image_width;
  state.images_per_s = images_per_second;
  state.planned = adaptation->plan().Totals(MemoryPlace::kHost);
  if (setup.device_limit.bytes != Bytes::Max()) state.device_budget = setup.device_limit.bytes;
  if (sync) {
    watch->UpdateAndSync(state);
  } else {
    watch->Update(state);
  }
}

CheckpointParts TrainingRun::Parts() {
  const std::int64_t last = std::max<std::int64_t>(position.last_step, 0);
  return {setup.loaded.model,
          *ema,
          *optimizer,
          *step,
          *stopper,
          *results,
          options,
          setup.names,
          {GroupSteps(static_cast<int>(last / batches), last), schedule->options().lr},
          optimizer_choice.momentum};
}

}  // namespace headroom
