// SPDX-License-Identifier: Apache-2.0
// Short runs from options to weights.
#include "headroom/interop/ultralytics_checkpoint.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"
#include "headroom/train/run_setup.h"
#include "headroom/train/short_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace headroom {
namespace {

using testing::Outcome;
using testing::SharedFile;
using testing::SyntheticDataset;
using testing::TempDir;
using testing::Train;

namespace fs = std::filesystem;

class NinetyFiveClasses : public ::testing::TestWithParam<bool> {};

TEST_P(NinetyFiveClasses, TrainAndValidate) {
  const bool single_class = GetParam();
  const TempDir dir;
  constexpr int kClasses = 95;
  const SyntheticDataset data(dir.path() / "data", {.train_images = 16,
                                                    .val_images = 16,
                                                    .height = 64,
                                                    .width = 64,
                                                    .num_classes = kClasses,
                                                    .min_boxes = 2,
                                                    .max_boxes = 4});
  const Outcome run = Train(dir.path(), {{"model", OptionValue("yolo11n.yaml")},
                                         {"data", OptionValue(data.yaml().string())},
                                         {"single_cls", OptionValue(single_class)}});
  ASSERT_EQ(run.recorder.epochs.size(), 1U) << run.recorder.messages;
  const EpochEvent& epoch = run.recorder.epochs[0];
  for (const double item : epoch.train_items) EXPECT_TRUE(std::isfinite(item) && item > 0);
  for (const double item : epoch.val_items) EXPECT_TRUE(std::isfinite(item) && item > 0);
  // The validation counts the labels of every class.
  std::set<int> ids;
  std::uint64_t labels = 0;
  for (const auto& objects : data.objects("val")) {
    for (const testing::SyntheticObject& object : objects) {
      ids.insert(single_class ? 0 : object.class_id);
      ++labels;
    }
  }
  EXPECT_EQ(epoch.metrics.instances, labels);
  ASSERT_EQ(epoch.metrics.classes.size(), ids.size());
  EXPECT_EQ(epoch.metrics.classes.back().class_id, *ids.rbegin());
  const Result<CheckpointContents> best =
      ReadCheckpoint(run.outcome.folder / "weights" / "best.pt");
  ASSERT_TRUE(static_cast<bool>(best));
  EXPECT_EQ(best->class_count, single_class ? 1 : kClasses);
  // The class branch is as wide as the classes are many, where that is more than its input.
  const CheckpointTensor* last = best->Find("model.23.cv3.0.2.weight");
  ASSERT_NE(last, nullptr);
  EXPECT_THAT(last->data.shape(),
              ::testing::ElementsAre(single_class ? 1 : 95, single_class ? 64 : 95, 1, 1));
}

INSTANTIATE_TEST_SUITE_P(SingleCls, NinetyFiveClasses, ::testing::Bool());

TEST(Transfer, BetweenYolo11AndYolo26CopiesWhatMatchesAndSaysHowMuch) {
  const TempDir dir;
  const SyntheticDataset data(dir.path() / "data", {});
  const std::vector<Override> common = {{"data", OptionValue(data.yaml().string())}};
  const auto with = [&](std::vector<Override> typed) {
    typed.insert(typed.end(), common.begin(), common.end());
    return Train(dir.path(), std::move(typed));
  };
  const Outcome eleven = with({{"model", OptionValue("yolo11n.yaml")}});
  const std::string weights = (eleven.outcome.folder / "weights" / "best.pt").string();
  const Outcome over =
      with({{"model", OptionValue("yolo26n.yaml")}, {"pretrained", OptionValue(weights)}});
  EXPECT_THAT(over.recorder.messages, ::testing::ContainsRegex("Transferred [0-9]+/708 items"));
  const std::string back = (over.outcome.folder / "weights" / "best.pt").string();
  const Outcome again =
      with({{"model", OptionValue("yolo11n.yaml")}, {"pretrained", OptionValue(back)}});
  EXPECT_THAT(again.recorder.messages, ::testing::ContainsRegex("Transferred [0-9]+/499 items"));
}

TEST(Resume, OfTheReferencesMuSgdRunContinuesWithItsSecondEpoch) {
  HEADROOM_NEEDS_SHARED("reference-run/files/yolo26n-8.4-musgd-in-training.pt");
  HEADROOM_NEEDS_SHARED("data/bccd/data.yaml");
  const TempDir dir;
  const fs::path weights = dir.path() / "run" / "weights";
  fs::create_directories(weights);
  fs::copy(SharedFile("reference-run/files/yolo26n-8.4-musgd-in-training.pt"), weights / "last.pt");
  const Outcome run =
      Train(dir.path(), {{"model", OptionValue("yolo26n.yaml")},
                         {"data", OptionValue(SharedFile("data/bccd/data.yaml").string())},
                         {"optimizer", OptionValue("MuSGD")},
                         {"fraction", OptionValue(0.1)},
                         {"epochs", OptionValue(std::int64_t{2})},
                         {"batch", OptionValue(std::int64_t{16})},
                         {"resume", OptionValue((weights / "last.pt").string())}});
  ASSERT_EQ(run.recorder.epochs.size(), 1U) << run.recorder.messages;
  const EpochEvent& second = run.recorder.epochs[0];
  EXPECT_EQ(second.epoch, 1);
  // The reference's first epoch had 6.06, 4.24, 0.207.
  EXPECT_NEAR(second.train_items[0], 6.06, 1.2);
  EXPECT_NEAR(second.train_items[1], 4.24, 1);
  EXPECT_NEAR(second.train_items[2], 0.207, 0.08);
}

}  // namespace
}  // namespace headroom
