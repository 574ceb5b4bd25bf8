// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_position.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

// Epoch 50 of 1,000 batches of 32; two batches wait for the optimizer.
RunPosition Middle() {
  return {.epoch = 50,
          .next_batch = 301,
          .last_step = 50298,
          .epoch_items = {301, 602, 0},
          .seconds = 7,
          .batch = 32,
          .batches = 1000,
          .epochs = 100,
          .best = true};
}

TEST(RunPosition, StaysWhereNothingChanged) {
  const RunPosition same = InBatchesOf(Middle(), 32, 1000);
  EXPECT_EQ(same.next_batch, 301);
  EXPECT_EQ(same.last_step, 50298);
  EXPECT_EQ(same.epoch_items, Middle().epoch_items);
}

TEST(RunPosition, LargerBatchesGoOnAtTheSameImage) {
  const RunPosition to = InBatchesOf(Middle(), 64, 500);
  EXPECT_EQ(to.epoch, 50);
  EXPECT_EQ(to.next_batch, 150);  // 9,632 images: 32 of them are trained on again.
  EXPECT_EQ(to.last_step, 500 * 50 + 150 - 1 - 1);
  EXPECT_DOUBLE_EQ(to.epoch_items[0], 150);
  EXPECT_DOUBLE_EQ(to.epoch_items[1], 300);
  EXPECT_EQ(to.batch, 64);
  EXPECT_EQ(to.epochs, 100);
  EXPECT_TRUE(to.best);
}

TEST(RunPosition, SmallerBatchesGoOnAtTheSameImage) {
  const RunPosition to = InBatchesOf(Middle(), 16, 2000);
  EXPECT_EQ(to.next_batch, 602);
  EXPECT_EQ(to.last_step, 2000 * 50 + 602 - 1 - 4);
}

TEST(RunPosition, ACompleteEpochStaysComplete) {
  RunPosition end = Middle();
  end.next_batch = end.batches;
  end.last_step = 50999;
  // 32,000 images in batches of 60: the last has 20.
  const RunPosition to = InBatchesOf(end, 60, 534);
  EXPECT_EQ(to.next_batch, 534);
  EXPECT_EQ(to.last_step, 534 * 51 - 1);
}

TEST(RunPosition, ACountOfUnknownUnitIsLeftAlone) {
  RunPosition old = Middle();
  old.batch = 0;
  const RunPosition to = InBatchesOf(old, 64, 500);
  EXPECT_EQ(to.next_batch, 301);
  EXPECT_EQ(to.batch, 64);
}

}  // namespace
}  // namespace headroom
