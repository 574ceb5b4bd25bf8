// SPDX-License-Identifier: Apache-2.0
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"
#include "headroom/train/run_setup.h"
#include "headroom/train/train_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {
namespace {

using ::testing::HasSubstr;
using testing::SyntheticDataset;
using testing::TempDir;

// YOLO11n at 320 px on 64 small images, planned and not run.
class TrainingFit : public ::testing::Test {
 protected:
  [[nodiscard]] PlanSubject Subject() const {
    return {
        .model = model_,
        .options = options_,
        .train = train_,
        .val = val_,
        .runtime = Bytes::MiB(150),
        .scratch = {.one_each = Bytes::MiB(2), .two_each = Bytes::MiB(4), .extent = {320, 320}}};
  }
  [[nodiscard]] TrainSettings Wanted() const {
    TrainSettings wanted = InitialSettings(options_, 32, 8);
    wanted.cache_limit = Bytes::MiB(20);
    return wanted;
  }
  [[nodiscard]] FitOutcome<TrainSettings> Within(Bytes limit) const {
    return FitTraining(Subject(), Wanted(), Host(limit));
  }
  [[nodiscard]] static PlanLimits Host(Bytes limit) {
    PlanLimits limits;
    limits[0] = {limit, "a test"};
    return limits;
  }
  [[nodiscard]] BatchChoice Choice(const char* batch, Bytes limit) {
    options_.batch = std::stod(batch);
    return ChooseBatch(Subject(), Wanted(), Host(limit));
  }
  [[nodiscard]] int Chosen(const char* batch, Bytes limit) { return Choice(batch, limit).images; }

  // The first so many of the data set.
  [[nodiscard]] DatasetIndex Images(int count) const {
    Options some = options_;
    some.train_share = {.ratio = 1, .count = count};
    return BuildIndex(config_, "train", some, nullptr);
  }

  TempDir dir_;
  SyntheticDataset data_{dir_.path() / "data",
                         {.train_images = 64, .val_images = 8, .height = 64, .width = 64}};
  Options options_ = Options::FromOverrides(std::vector<Override>{
      {"imgsz", OptionValue(std::int64_t{320})}, {"workers", OptionValue(std::int64_t{4})}});
  DatasetConfig config_ = ReadDatasetYaml(data_.yaml().string(), dir_.path());
  DatasetIndex train_ = BuildIndex(config_, "train", options_, nullptr);
  DatasetIndex val_ = BuildIndex(config_, "val", options_, nullptr);
  Model model_ = BuildModel(ReadModelYaml("yolo11n.yaml"), {.classes = 3}, at::kCPU);
};

TEST_F(TrainingFit, TakesNothingWhereEverythingFits) {
  const FitOutcome<TrainSettings> outcome = Within(Bytes::GiB(64));
  EXPECT_TRUE(outcome.fits);
  EXPECT_TRUE(outcome.taken.empty());
  EXPECT_EQ(outcome.settings, Wanted());
}

TEST_F(TrainingFit, NeverPlansMoreThanTheLimitNorMoreThanWasWanted) {
  const TrainSettings wanted = Wanted();
  std::int64_t micro_batch = wanted.batch;
  Recompute recompute = Recompute::kNone;
  int fitted = 0;
  for (std::uint64_t limit = 2400; limit >= 100; limit -= 50) {
    const FitOutcome<TrainSettings> outcome = Within(Bytes::MiB(limit));
    const TrainSettings& t = outcome.settings;
    EXPECT_EQ(t.batch, wanted.batch);
    EXPECT_LE(t.workers, wanted.workers);
    EXPECT_LE(t.pool_limit, wanted.pool_limit);
    EXPECT_LE(t.cache_limit, wanted.cache_limit);
    // Less memory never means a larger piece of the network.
    EXPECT_LE(t.micro_batch, micro_batch) << limit;
    EXPECT_GE(t.recompute, recompute) << limit;
    micro_batch = t.micro_batch;
    recompute = t.recompute;
    if (outcome.fits) {
      ++fitted;
      EXPECT_LE(outcome.plan.Peak(MemoryPlace::kHost), Bytes::MiB(limit));
    } else {
      EXPECT_EQ(t.micro_batch, 1);
      EXPECT_EQ(t.workers, 1);
      EXPECT_EQ(t.recompute, Recompute::kBlocks);
      EXPECT_EQ(t.cache_limit, Bytes());
    }
  }
  EXPECT_GT(fitted, 20);
  EXPECT_EQ(micro_batch, 1);
}

TEST_F(TrainingFit, LeavesFreeWhatAKilledRunHeldBeyondItsPlan) {
  PlanSubject subject = Subject();
  const Bytes limit = PlanTraining(subject, Wanted()).Peak(MemoryPlace::kHost);
  ASSERT_TRUE(FitTraining(subject, Wanted(), Host(limit)).taken.empty());
  subject.unplanned[static_cast<std::size_t>(PlanPhase::kTrainStep)] = Bytes::MiB(200);
  const FitOutcome<TrainSettings> outcome = FitTraining(subject, Wanted(), Host(limit));
  ASSERT_TRUE(outcome.fits);
  EXPECT_FALSE(outcome.settings == Wanted());
  const auto step_total = [](const MemoryPlan& plan) {
    return plan.Totals(MemoryPlace::kHost)[static_cast<std::size_t>(PlanPhase::kTrainStep)];
  };
  EXPECT_LE(step_total(outcome.plan), limit);
  EXPECT_LE(step_total(PlanTraining(Subject(), outcome.settings)) + Bytes::MiB(200), limit);
  // Nothing smaller is left: it does not fit, where it was killed before.
  subject.unplanned.fill(limit);
  EXPECT_FALSE(FitTraining(subject, Wanted(), Host(limit)).fits);
}

TEST_F(TrainingFit, GivesUpCheapThingsBeforeTheNetworkBecomesSmaller) {
  const Bytes whole = PlanTraining(Subject(), Wanted()).Peak(MemoryPlace::kHost);
  const FitOutcome<TrainSettings> outcome = Within(whole - Bytes::MiB(30));
  ASSERT_TRUE(outcome.fits);
  EXPECT_EQ(outcome.settings.micro_batch, Wanted().micro_batch);
  EXPECT_EQ(outcome.settings.recompute, Wanted().recompute);
  EXPECT_LT(outcome.settings.cache_limit + outcome.settings.pool_limit,
            Wanted().cache_limit + Wanted().pool_limit);
}

// Below 16 images batch-norm's statistics get worse; computing blocks again changes no result.
TEST_F(TrainingFit, ComputesBlocksAgainBeforeAMicroBatchFallsBelowSixteen) {
  for (const int batch : {16, 17, 24, 48}) {
    int small = 0, whole_blocks = 0;
    for (std::uint64_t limit = 2400; limit >= 200; limit -= 100) {
      const TrainSettings wanted = InitialSettings(options_, batch, 8);
      const TrainSettings t = FitTraining(Subject(), wanted, Host(Bytes::MiB(limit))).settings;
      const bool blocks = t.recompute == Recompute::kBlocks;
      EXPECT_TRUE(blocks || t.micro_batch >= 16) << batch << " within " << limit;
      EXPECT_TRUE(!blocks || t.micro_batch <= 16) << batch << " within " << limit;
      small += t.micro_batch < 16 ? 1 : 0;
      whole_blocks += blocks && t.micro_batch == 16 ? 1 : 0;
    }
    EXPECT_GT(small, 0) << batch;
    EXPECT_GT(whole_blocks, 0) << batch;
  }
}

TEST_F(TrainingFit, ChoosesABatchFromTheDataAndTheMemory) {
  EXPECT_EQ(Chosen("16", Bytes::GiB(1)), 16);
  EXPECT_EQ(Chosen("500", Bytes::GiB(1)), 64);  // No more than there are images.
  EXPECT_EQ(Chosen("-1", Bytes::GiB(64)), 16);
  // At least min(16, images), at most images / 8 where that is more.
  EXPECT_EQ(Chosen("0.7", Bytes::MiB(200)), 16);
  EXPECT_EQ(Chosen("0.7", Bytes::GiB(64)), 16);
}

TEST_F(TrainingFit, SaysWhatDecidedTheBatch) {
  EXPECT_EQ(Choice("16", Bytes::GiB(1)).why, "");
  EXPECT_EQ(Choice("64", Bytes::GiB(1)).why, "");
  EXPECT_EQ(Choice("100000", Bytes::GiB(1)).why,
            "batch=100000: 64 images, all that the data set has");
  EXPECT_EQ(Choice("0.7", Bytes::MiB(200)).why,
            "batch=0.7: 16 images, the fewest that are chosen, though as one micro-batch they need "
            "more than 70 % of the budget");
  EXPECT_EQ(Choice("0.7", Bytes::GiB(64)).why,
            "batch=0.7: 16 images, the fewest that are chosen; an eighth of the data set is 8");
  train_ = Images(10);
  EXPECT_EQ(Choice("0.7", Bytes::GiB(64)).why, "batch=0.7: 10 images, all that the data set has");
  EXPECT_EQ(Choice("-1", Bytes::GiB(64)).why, "batch=-1: 10 images (all that the data set has)");
}

TEST_F(TrainingFit, SaysWhichUpperBoundDecidedTheBatch) {
  const SyntheticDataset many(dir_.path() / "many",
                              {.train_images = 528, .val_images = 2, .height = 32, .width = 32});
  config_ = ReadDatasetYaml(many.yaml().string(), dir_.path());
  train_ = Images(528);
  EXPECT_EQ(Choice("0.7", Bytes::GiB(64)).why,
            "batch=0.7: 64 images, the most that are chosen on a CPU (within 70 % of the budget)");
  TrainSettings between = InitialSettings(options_, 40, 4);
  between.cache_limit = Wanted().cache_limit;
  const Bytes forty = PlanTraining(Subject(), between).Peak(MemoryPlace::kHost);
  const BatchChoice fitting = Choice("0.99", forty);
  EXPECT_LT(fitting.images, 40);
  EXPECT_THAT(fitting.why, HasSubstr("the most, in steps of 8, that stay within 99 % of the "
                                     "budget as one micro-batch"));
  train_ = Images(204);  // An eighth of them is 25.
  EXPECT_EQ(Choice("0.7", Bytes::GiB(64)).why,
            "batch=0.7: 24 images, no more than an eighth of the data set's 204 (within 70 % of "
            "the budget)");
}

TEST(MeasuredScratch, GrowsWithThreadsAndWithTheImagesOfEach) {
  const MeasuredScratch scratch{.threads = 4,
                                .measured = 2,
                                .one_each = Bytes::MiB(20),
                                .two_each = Bytes::MiB(26),
                                .another = Bytes::MiB(5),
                                .extent = {320, 320}};
  const auto mib = [&](std::int64_t images, const Extent& at) {
    return scratch.For(images, at).count() >> 20;
  };
  // Threads share an image's tiles and lines out among them.
  for (const std::int64_t images : {1, 2, 4}) EXPECT_EQ(mib(images, {320, 320}), 20 + 2 * 5);
  EXPECT_EQ(mib(5, {320, 320}), 20 + 2 * 5 + 4 * 3);
  EXPECT_EQ(mib(16, {320, 320}), 20 + 2 * 5 + 3 * 4 * 3);
  EXPECT_EQ(mib(4, {640, 320}), 2 * (20 + 2 * 5));
  EXPECT_EQ(mib(4, {160, 160}), 20 + 2 * 5);  // Kernels need not shrink with the image.
}

}  // namespace
}  // namespace headroom
