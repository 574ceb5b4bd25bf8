// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/memory_plan.h"

#include "headroom/memory/fit.h"
#include "headroom/memory/reference_estimate.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

MemoryPlan SmallPlan() {
  MemoryPlan plan;
  plan.AddThroughout("model", MemoryNeed(MemoryTag::kWeights, Bytes::MiB(10)));
  plan.Add("step", {PlanPhase::kTrainStep}, MemoryNeed(MemoryTag::kActivations, Bytes::MiB(100)));
  plan.Add("validator", {PlanPhase::kValidation},
           MemoryNeed(MemoryTag::kActivations, Bytes::MiB(30), NeedBasis::kMeasured) +
               MemoryNeed(MemoryTag::kValidation, Bytes::MiB(7), NeedBasis::kAssumed));
  return plan;
}

PlanLimits HostLimit(Bytes bytes) {
  PlanLimits limits;
  limits[0] = {bytes, "memory.max of /job"};
  return limits;
}

TEST(MemoryPlan, PartsOfAPhaseAddAndPhasesDoNot) {
  const MemoryPlan plan = SmallPlan();
  EXPECT_EQ(plan.Peak(MemoryPlace::kHost), Bytes::MiB(110));
  EXPECT_EQ(plan.PeakPhase(MemoryPlace::kHost), PlanPhase::kTrainStep);
  EXPECT_EQ(plan.Need(PlanPhase::kValidation).Total(), Bytes::MiB(47));
  EXPECT_EQ(plan.Need(PlanPhase::kSave).Total(), Bytes::MiB(10));
  EXPECT_EQ(plan.Peak(MemoryPlace::kDevice), Bytes());
}

TEST(MemoryPlan, ExcessLooksAtBothPlaces) {
  MemoryPlan plan = SmallPlan();
  EXPECT_TRUE(plan.Fits(HostLimit(Bytes::MiB(110))));
  EXPECT_EQ(plan.Excess(HostLimit(Bytes::MiB(100))), Bytes::MiB(10));
  plan.AddThroughout("device", MemoryNeed().Add(MemoryTag::kWeights, Bytes::MiB(50),
                                                NeedBasis::kExact, MemoryPlace::kDevice));
  PlanLimits limits = HostLimit(Bytes::MiB(110));
  limits[1] = {Bytes::MiB(20), "driver"};
  EXPECT_EQ(plan.Excess(limits), Bytes::MiB(30));
}

TEST(MemoryPlan, TheTableNamesConsumersPhasesBasisPeakAndOrigin) {
  const std::string table = FormatPlan(SmallPlan(), HostLimit(Bytes::MiB(100)));
  EXPECT_THAT(
      table,
      HasSubstr("host                setup  train step  validation        save         end\n"));
  EXPECT_THAT(
      table,
      HasSubstr("activations             -     100 MiB   ~30.0 MiB           -           -\n"));
  EXPECT_THAT(table, HasSubstr("?7.00 MiB"));
  EXPECT_THAT(
      table,
      HasSubstr(
          "peak 110 MiB in train step, limit 100 MiB (memory.max of /job): 10.0 MiB too much\n"));
  EXPECT_THAT(table, Not(HasSubstr("device")));
  EXPECT_THAT(table, Not(HasSubstr("image cache")));
}

TEST(MemoryPlan, TheJsonHasTheSameFigures) {
  const auto json = nlohmann::json::parse(PlanToJson(SmallPlan(), HostLimit(Bytes::MiB(100))));
  EXPECT_EQ(json["host"]["peak_bytes"], 110 << 20);
  EXPECT_EQ(json["host"]["peak_phase"], "train step");
  EXPECT_EQ(json["host"]["limit_bytes"], 100 << 20);
  EXPECT_EQ(json["host"]["phases"]["validation"]["rows"]["activations"]["bytes"], 30 << 20);
  EXPECT_EQ(json["host"]["phases"]["validation"]["rows"]["activations"]["basis"], "measured");
  EXPECT_TRUE(json["device"]["limit_bytes"].is_null());
  EXPECT_EQ(json["parts"][1]["name"], "step");
  EXPECT_EQ(json["parts"][1]["phases"], nlohmann::json::array({"train step"}));
}

struct Knobs {
  Bytes cache = Bytes::MiB(40);
  int micro_batch = 64;
};

MemoryPlan PlanOf(const Knobs& knobs) {
  MemoryPlan plan;
  plan.AddThroughout("cache", MemoryNeed(MemoryTag::kImageCache, knobs.cache));
  plan.Add("step", {PlanPhase::kTrainStep},
           MemoryNeed(MemoryTag::kActivations,
                      Bytes::MiB(static_cast<std::uint64_t>(knobs.micro_batch))));
  return plan;
}

const std::vector<FitStep<Knobs>>& Ladder() {
  static const std::vector<FitStep<Knobs>> ladder = {
      {ReclaimOrder::kImageCache,
       [](Knobs& knobs, Bytes excess) -> std::optional<std::string> {
         if (knobs.cache == Bytes()) return std::nullopt;
         knobs.cache = SaturatingSub(knobs.cache, excess);
         return "image cache " + ToString(knobs.cache);
       }},
      {ReclaimOrder::kMicroBatchAbove16, [](Knobs& knobs, Bytes) -> std::optional<std::string> {
         if (knobs.micro_batch <= 16) return std::nullopt;
         knobs.micro_batch /= 2;
         return "micro-batch " + std::to_string(knobs.micro_batch);
       }}};
  return ladder;
}

FitOutcome<Knobs> FitInto(Bytes limit) {
  return Fit<Knobs>(Knobs(), Ladder(), PlanOf, HostLimit(limit));
}

TEST(Fit, WhatFitsIsLeftAlone) {
  const auto outcome = FitInto(Bytes::MiB(104));
  EXPECT_TRUE(outcome.fits);
  EXPECT_TRUE(outcome.taken.empty());
}

TEST(Fit, StepsAreTakenInOrderAndOnlyAsFarAsNeeded) {
  EXPECT_THAT(FitInto(Bytes::MiB(100)).taken, ElementsAre("image cache 36.0 MiB"));
  const auto outcome = FitInto(Bytes::MiB(20));
  EXPECT_TRUE(outcome.fits);
  EXPECT_THAT(outcome.taken, ElementsAre("image cache 0 B", "micro-batch 32", "micro-batch 16"));
  EXPECT_EQ(outcome.plan.Peak(MemoryPlace::kHost), Bytes::MiB(16));
}

TEST(Fit, TheUnfitOutcomeSaysWhatWouldBeNeeded) {
  const auto outcome = FitInto(Bytes::MiB(10));
  EXPECT_FALSE(outcome.fits);
  EXPECT_EQ(outcome.excess, Bytes::MiB(6));
  const std::string text = ExplainUnfit(outcome.plan, HostLimit(Bytes::MiB(10)));
  EXPECT_THAT(text, HasSubstr("need 16.0 MiB of host memory (activations 16.0 MiB"));
  EXPECT_THAT(text, HasSubstr("6.00 MiB above the limit of 10.0 MiB (memory.max of /job)"));
  // A little more than the need, which is not the same to the byte in the next run.
  EXPECT_THAT(text, HasSubstr("memory=17M or more"));
}

TEST(Fit, TheUnfitOutcomeNamesWhatNoOptionCanRaise) {
  const auto outcome = FitInto(Bytes::MiB(10));
  const auto explain = [&](const LimitRaise& host) {
    return ExplainUnfit(outcome.plan, HostLimit(Bytes::MiB(10)), {host, {}});
  };
  const std::string text = explain({.ceiling = Bytes::MiB(15), .origin = "memory.max of /job"});
  EXPECT_THAT(text, HasSubstr("memory= cannot give more than there is: 15.0 MiB (memory.max of "
                              "/job)"));
  EXPECT_THAT(text, Not(HasSubstr("Raise it with")));
  EXPECT_THAT(explain({.ceiling = Bytes::MiB(20), .origin = "memory.max of /job"}),
              HasSubstr("Raise it with memory=17M or more"));
  // Where 85 % of what is typed becomes the limit, as of vram= in a plan.
  EXPECT_THAT(explain({.share = 0.5}), HasSubstr("Raise it with memory=34M or more"));
}

TEST(LargestFitting, FindsTheBorderWithFewTrials) {
  for (std::int64_t border = 0; border <= 1024; border += 31) {
    int trials = 0;
    const auto fits = [&](std::int64_t n) {
      ++trials;
      return n <= border;
    };
    EXPECT_EQ(LargestFitting(1024, fits), border);
    EXPECT_LE(trials, 12);
  }
  EXPECT_EQ(LargestFitting(7, [](std::int64_t) { return true; }), 7);
  EXPECT_EQ(LargestFitting(0, [](std::int64_t) { return true; }), 0);
}

// ultralytics issue 19816; the figures of the reference's own sizes.
TEST(ReferenceEstimate, TheCaseItselfDoesNotFitItsHost) {
  ReferenceSettings settings;
  settings.train_images = 20000;
  settings.val_images = 8000;
  settings.batch = 133;
  settings.workers = 12;
  settings.cores = 24;
  settings.gpus = 1;
  settings.driver = Bytes::MiB(1200);
  settings.memory = Bytes::GiB(31);
  const ReferenceEstimate estimate = EstimateReference(settings);
  EXPECT_EQ(estimate.train_workers, 12);
  EXPECT_EQ(estimate.val_workers, 24);
  EXPECT_EQ(estimate.mosaic_buffers, Bytes(12ULL * 1000 * 3 * 640 * 640));
  EXPECT_EQ(estimate.train_queue, Bytes(4ULL * 12 * 133 * 3 * 640 * 640));
  EXPECT_EQ(estimate.val_queue, Bytes(2ULL * 24 * 266 * 3 * 672 * 672));
  // A batch of 156 MiB is page-locked as 256 MiB, one of validation (344 MiB) as 512 MiB.
  EXPECT_EQ(estimate.train_queue + estimate.val_queue + estimate.page_locked,
            48 * (Bytes::MiB(256) + Bytes::MiB(512)));
  EXPECT_EQ(estimate.processes, Bytes::MiB(400 + 1200 + 36 * 124));
  EXPECT_GT(estimate.Total() - estimate.page_locked, Bytes::GiB(36));
  const std::string text = ExplainReference(settings);
  EXPECT_THAT(text, HasSubstr("validation queue of 24 workers 16.1 GiB"));
  EXPECT_THAT(text, HasSubstr("it would be killed in 31.0 GiB"));
}

// 2,000 images of 4:3 with a validation set of one batch, for which no worker is started: the
// training loader alone comes so near to the host's memory that the rest of the system decides.
TEST(ReferenceEstimate, TheCaseOnASmallDataSetIsTooNearToItsHost) {
  ReferenceSettings settings;
  settings.train_images = 2044;
  settings.val_images = 72;
  settings.batch = 133;
  settings.workers = 12;
  settings.cores = 24;
  settings.gpus = 1;
  settings.driver = Bytes::MiB(1200);
  settings.short_to_long = 0.75;
  settings.memory = Bytes::GiB(31);
  EXPECT_EQ(EstimateReference(settings).val_workers, 0);
  EXPECT_THAT(ExplainReference(settings), HasSubstr("it would probably be killed in 31.0 GiB"));
  settings.val_images = 500;  // Two batches, two workers: four batches ahead.
  EXPECT_EQ(EstimateReference(settings).val_workers, 2);
  EXPECT_THAT(ExplainReference(settings), HasSubstr("it would be killed in 31.0 GiB"));
  settings.workers = 4;  // What saved the reporter's run.
  EXPECT_THAT(ExplainReference(settings), HasSubstr("it would run in 31.0 GiB"));
}

TEST(ReferenceEstimate, CachesAllImagesOrNone) {
  ReferenceSettings settings{.train_images = 2000,
                             .val_images = 500,
                             .workers = 4,
                             .cores = 8,
                             .memory = Bytes::GiB(16),
                             .gpus = 1,
                             .cache_ram = true,
                             .short_to_long = 0.5};
  const Bytes image(3ULL * 640 * 320);
  ReferenceEstimate estimate = EstimateReference(settings);
  EXPECT_EQ(estimate.image_cache, 2500 * image);
  EXPECT_EQ(estimate.mosaic_buffers, Bytes());
  settings.memory = Bytes::GiB(2);  // Twice the training images are not available.
  estimate = EstimateReference(settings);
  EXPECT_EQ(estimate.image_cache, 500 * image);
  EXPECT_EQ(estimate.mosaic_buffers, 4 * 128 * image);
}

TEST(ReferenceEstimate, SaysThatTheBatchIsAssumed) {
  ReferenceSettings settings{
      .train_images = 2000, .val_images = 500, .batch = 64, .gpus = 1, .batch_assumed = true};
  EXPECT_THAT(ExplainReference(settings), HasSubstr("with these settings and batch 64 (assumed"));
  settings.batch_assumed = false;
  EXPECT_THAT(ExplainReference(settings), HasSubstr("with these settings (plots"));
}

TEST(ReferenceEstimate, OnACpuItLoadsInOneProcessAndTheStepCounts) {
  ReferenceSettings settings;
  settings.train_images = 2000;
  settings.val_images = 500;
  settings.batch = 133;
  settings.workers = 12;
  settings.cores = 2;
  settings.parameters = 2'600'000;
  settings.activations_per_image = Bytes::MiB(280);
  const ReferenceEstimate estimate = EstimateReference(settings);
  EXPECT_EQ(estimate.train_workers, 0);
  EXPECT_EQ(estimate.val_queue, Bytes());
  EXPECT_EQ(estimate.mosaic_buffers, Bytes(1000ULL * 3 * 640 * 640));
  EXPECT_GT(estimate.Total(), Bytes::GiB(20));
  EXPECT_EQ(estimate.page_locked, Bytes());
  settings.memory = Bytes::GiB(64);
  EXPECT_THAT(ExplainReference(settings), HasSubstr("it would run in 64.0 GiB"));
}

TEST(ReferenceEstimate, WorkersAreBoundedByCoresBatchesAndGpus) {
  ReferenceSettings settings{
      .train_images = 100, .val_images = 10, .batch = 16, .workers = 8, .cores = 64, .gpus = 1};
  EXPECT_EQ(EstimateReference(settings).train_workers, 7);
  EXPECT_EQ(EstimateReference(settings).val_workers, 0);
  settings.cores = 4;
  EXPECT_EQ(EstimateReference(settings).train_workers, 4);
}

}  // namespace
}  // namespace headroom
