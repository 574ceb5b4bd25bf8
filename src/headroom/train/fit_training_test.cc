// SPDX-License-Identifier: Apache-2.0
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"
#include "headroom/train/run_setup.h"
#include "headroom/train/train_plan.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {
namespace {

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
  [[nodiscard]] int Chosen(const char* batch, Bytes limit) {
    options_.batch = std::stod(batch);
    return ChooseBatch(Subject(), Wanted(), Host(limit)).images;
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
