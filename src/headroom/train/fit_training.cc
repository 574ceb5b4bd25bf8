// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_setup.h"
#include "headroom/train/train_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

// The reference's default batch: below it batch-norm statistics get noticeably worse.
constexpr std::int64_t kGoodMicroBatch = 16;
constexpr Bytes kSmallestPool = Bytes::MiB(24);
constexpr Bytes kCacheStep = Bytes::MiB(64);
constexpr int kMostBatch = 1024;
constexpr int kMostShareBatch = 64;
constexpr const char* kPlotsWait = "plots are drawn when there is room for them";

using Step = FitStep<TrainSettings>;
using Said = std::optional<std::string>;

std::string Arrow(std::string_view what, Bytes from, Bytes to) {
  return fmt::format("{} {} -> {}", what, ToString(from), ToString(to));
}

Said PutOffPlots(TrainSettings& t, Bytes /*excess*/) {
  if (!t.plots) return {};
  t.plots = false;
  return kPlotsWait;
}

Said ShrinkCache(TrainSettings& t, Bytes excess) {
  if (t.cache_limit == Bytes()) return {};
  const Bytes from = t.cache_limit;
  t.cache_limit = SaturatingSub(from, std::max(excess, kCacheStep));
  return Arrow("image cache", from, t.cache_limit);
}

Said ShrinkPool(TrainSettings& t, Bytes excess) {
  if (t.pool_limit <= kSmallestPool) return {};
  const Bytes from = t.pool_limit;
  t.pool_limit = std::max(SaturatingSub(from, std::max(excess, Bytes::MiB(8))), kSmallestPool);
  return Arrow("mosaic pool", from, t.pool_limit);
}

Said ShrinkPrefetch(TrainSettings& t, Bytes /*excess*/) {
  const int from = t.prefetch > 0 ? t.prefetch : PrefetchFor(t.workers);
  const int least = std::max(t.workers, 2);
  if (from <= least) return {};
  t.prefetch = std::max(from / 2, least);
  return fmt::format("images made ahead {} -> {}", from, t.prefetch);
}

Said DropWorker(TrainSettings& t, Bytes /*excess*/) {
  if (t.workers <= 1) return {};
  --t.workers;
  t.prefetch = std::min(t.prefetch, std::max(t.workers, 2));
  return fmt::format("workers {} -> {}", t.workers + 1, t.workers);
}

Said RecomputeMore(TrainSettings& t, Recompute to) {
  if (t.recompute >= to) return {};
  const Recompute from = t.recompute;
  t.recompute = to;
  return fmt::format("recompute {} -> {}", Name(from), Name(to));
}

// What became of the wanted settings: the ladder's way there is of no interest.
std::vector<std::string> Differences(const TrainSettings& from, const TrainSettings& to) {
  std::vector<std::string> lines;
  if (to.plots != from.plots) lines.emplace_back(kPlotsWait);
  if (to.cache_limit != from.cache_limit)
    lines.push_back(Arrow("image cache", from.cache_limit, to.cache_limit));
  if (to.pool_limit != from.pool_limit)
    lines.push_back(Arrow("mosaic pool", from.pool_limit, to.pool_limit));
  if (to.prefetch != from.prefetch) {
    lines.push_back(fmt::format("images made ahead {} -> {}",
                                from.prefetch > 0 ? from.prefetch : PrefetchFor(from.workers),
                                to.prefetch > 0 ? to.prefetch : PrefetchFor(to.workers)));
  }
  if (to.workers != from.workers)
    lines.push_back(fmt::format("workers {} -> {}", from.workers, to.workers));
  if (to.recompute != from.recompute)
    lines.push_back(fmt::format("recompute {} -> {}", Name(from.recompute), Name(to.recompute)));
  if (to.micro_batch != from.micro_batch) {
    lines.push_back(fmt::format("batch {} in micro-batches of {} (batch-norm normalises each)",
                                to.batch, to.micro_batch));
  }
  return lines;
}

// Pieces of equal size: 133 -> 67 -> 45 ... would be finer, but halves keep the ladder short.
Said HalveMicroBatch(TrainSettings& t, std::int64_t least) {
  const std::int64_t from = std::min<std::int64_t>(t.micro_batch, t.batch);
  if (from <= least) return {};
  t.micro_batch = std::max((from + 1) / 2, least);
  t.validate_at_once = std::min(t.validate_at_once, t.micro_batch);
  return fmt::format("micro-batch {} -> {} (batch {})", from, t.micro_batch, t.batch);
}

// Between which sizes a batch is chosen, and the words for the one that decided.
struct BatchBounds {
  BatchBounds(std::int64_t all, bool on_host)
      : images(all),
        least(std::min<std::int64_t>(kDefaultBatch, all)),
        most(std::max(least, std::min<std::int64_t>(kMostBatch, all / 8))),
        cap(on_host ? std::min<std::int64_t>(most, kMostShareBatch) : most) {}

  [[nodiscard]] std::string Why(std::int64_t chosen, std::int64_t fitting,
                                const std::string& budget) const {
    if (chosen == images) return "all that the data set has";
    if (fitting < std::min(chosen, least)) {
      return fmt::format(
          "the fewest that are chosen, though as one micro-batch they need more "
          "than {}",
          budget);
    }
    if (images / 8 < least)
      return fmt::format("the fewest that are chosen; an eighth of the data set is {}", images / 8);
    if (fitting < 8 * (cap / 8)) {
      return fmt::format("the most, in steps of 8, that stay within {} as one micro-batch", budget);
    }
    if (cap < most) return fmt::format("the most that are chosen on a CPU (within {})", budget);
    if (cap == kMostBatch) return fmt::format("the most that are chosen (within {})", budget);
    return fmt::format("no more than an eighth of the data set's {} (within {})", images, budget);
  }

  std::int64_t images;
  std::int64_t least;
  std::int64_t most;
  std::int64_t cap;  // Of what is searched.
};

BatchChoice AskedBatch(std::int64_t asked, std::int64_t images) {
  if (asked <= images) return {static_cast<int>(asked), {}};
  return {static_cast<int>(images),
          fmt::format("batch={}: {} images, all that the data set has", asked, images)};
}

BatchChoice DefaultBatch(const BatchBounds& bounds) {
  const char* why = bounds.least == bounds.images
                        ? "all that the data set has"
                        : "a larger batch trains no better, and no faster on a CPU";
  return {static_cast<int>(bounds.least),
          fmt::format("batch=-1: {} images ({})", bounds.least, why)};
}

}  // namespace

std::vector<Step> TrainLadder() {
  return {
      // Free but for the moments in which something is drawn.
      {ReclaimOrder::kFreeBlocks, PutOffPlots},
      {ReclaimOrder::kImageCache, ShrinkCache},
      {ReclaimOrder::kMosaicPool, ShrinkPool},
      {ReclaimOrder::kImagesInFlight, ShrinkPrefetch},
      {ReclaimOrder::kWorkers, DropWorker},
      {ReclaimOrder::kRecomputeActivations,
       [](TrainSettings& t, Bytes) { return RecomputeMore(t, Recompute::kActivations); }},
      {ReclaimOrder::kMicroBatchAbove16,
       [](TrainSettings& t, Bytes) { return HalveMicroBatch(t, kGoodMicroBatch); }},
      {ReclaimOrder::kRecomputeBlocks,
       [](TrainSettings& t, Bytes) { return RecomputeMore(t, Recompute::kBlocks); }},
      {ReclaimOrder::kMicroBatchBelow16,
       [](TrainSettings& t, Bytes) { return HalveMicroBatch(t, 1); }},
  };
}

FitOutcome<TrainSettings> FitTraining(const PlanSubject& subject, const TrainSettings& settings,
                                      const PlanLimits& limits) {
  const auto plan = [&](const TrainSettings& t) { return PlanTraining(subject, t); };
  FitOutcome<TrainSettings> outcome = Fit<TrainSettings>(settings, TrainLadder(), plan, limits);
  if (!outcome.fits || outcome.taken.empty()) return outcome;
  // The ladder gave all of the cheap things before it touched the network: what the network's step
  // left over goes back to them, the dearest first.
  const auto regain = [&](auto change) {
    TrainSettings better = outcome.settings;
    change(better);
    if (better == outcome.settings) return;
    MemoryPlan with = PlanTraining(subject, better);
    if (!with.Fits(limits)) return;
    outcome.settings = better;
    outcome.plan = std::move(with);
  };
  for (int workers = settings.workers; workers > outcome.settings.workers; --workers) {
    regain([&](TrainSettings& t) {
      t.workers = workers;
      t.prefetch = std::max(t.prefetch, workers);
    });
  }
  regain([&](TrainSettings& t) { t.prefetch = settings.prefetch; });
  for (const double share : {1.0, 0.75, 0.5, 0.25}) {
    const Bytes pool = Scale(settings.pool_limit, share);
    if (pool <= outcome.settings.pool_limit) break;
    regain([&](TrainSettings& t) { t.pool_limit = pool; });
  }
  regain([&](TrainSettings& t) { t.plots = settings.plots; });
  if (settings.cache_limit > outcome.settings.cache_limit) {
    const Bytes room = SaturatingSub(limits[0].bytes, outcome.plan.Peak(MemoryPlace::kHost));
    regain([&](TrainSettings& t) {
      t.cache_limit = std::min(settings.cache_limit, t.cache_limit + room);
    });
  }
  outcome.taken = Differences(settings, outcome.settings);
  return outcome;
}

BatchChoice ChooseBatch(const PlanSubject& subject, const TrainSettings& settings,
                        const PlanLimits& limits) {
  const double asked = subject.options.batch;
  const auto images = static_cast<std::int64_t>(subject.train.size());
  if (asked >= 1) return AskedBatch(std::llround(asked), images);
  const bool on_host = subject.place == MemoryPlace::kHost;
  const BatchBounds bounds(images, on_host);
  if (asked < 0 && on_host) return DefaultBatch(bounds);
  PlanLimits share = limits;
  if (asked > 0) {
    for (PlanLimit& limit : share) {
      if (limit.bytes != Bytes::Max()) limit.bytes = Scale(limit.bytes, asked);
    }
  }
  const auto fits = [&](std::int64_t eights) {
    TrainSettings t = settings;
    t.batch = static_cast<int>(8 * eights);
    t.micro_batch = t.validate_at_once = t.batch;
    if (on_host) return PlanTraining(subject, t).Fits(share);
    return FitTraining(subject, t, share).settings.micro_batch >= t.batch;
  };
  const std::int64_t fitting = 8 * LargestFitting(std::max<std::int64_t>(bounds.cap / 8, 1), fits);
  const std::int64_t chosen = std::clamp(fitting, bounds.least, bounds.most);
  const std::string budget =
      asked > 0 ? fmt::format("{:.3g} % of the budget", 100 * asked) : std::string("the budget");
  return {static_cast<int>(chosen), fmt::format("batch={}: {} images, {}", asked, chosen,
                                                bounds.Why(chosen, fitting, budget))};
}

TrainSettings InitialSettings(const Options& options, int batch, int cores) {
  TrainSettings t;
  t.batch = batch;
  t.micro_batch = std::min(options.microbatch.value_or(batch), batch);
  t.validate_at_once = t.micro_batch;
  t.recompute = ParseRecompute(options.recompute);
  t.plots = options.plots;
  t.workers = options.workers < 0     ? std::min(2, cores)
              : options.workers_typed ? options.workers
                                      : std::min(8, cores);
  return t;
}

}  // namespace headroom
