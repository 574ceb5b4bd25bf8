// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/worker_policy.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

LoaderStatistics Waited(double seconds) {
  LoaderStatistics statistics;
  statistics.consumer_wait_s = seconds;
  return statistics;
}

TEST(WorkerPolicy, StartsAtTwoOrTheCoresThereAre) {
  EXPECT_EQ(WorkerPolicy(16).initial_workers(), 2);
  EXPECT_EQ(WorkerPolicy(1).initial_workers(), 1);
  EXPECT_EQ(WorkerPolicy(0).initial_workers(), 1);
}

TEST(WorkerPolicy, AddsOneWhileTheStepWaits) {
  WorkerPolicy policy(8);
  EXPECT_FALSE(policy.Decide(Waited(0.5), 2, 1, true, false));  // Not watched long enough.
  const auto change = policy.Decide(Waited(1.0), 2, 1, true, false);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->workers, 3);
  EXPECT_NE(change->reason.find("50 %"), std::string::npos);
  EXPECT_FALSE(policy.Decide(Waited(1.01), 3, 5, true, false));  // Nothing to wait for now.
}

TEST(WorkerPolicy, DoesNotGrowWithoutRoomOrCores) {
  WorkerPolicy policy(2);
  EXPECT_FALSE(policy.Decide(Waited(5), 1, 5, false, false));
  EXPECT_FALSE(policy.Decide(Waited(10), 2, 5, true, false));
}

TEST(WorkerPolicy, DropsOneUnderPressureButKeepsTheLast) {
  WorkerPolicy policy(8);
  const auto change = policy.Decide(Waited(0), 3, 0.1, true, true);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->workers, 2);
  EXPECT_FALSE(policy.Decide(Waited(0), 1, 5, true, true));
}

}  // namespace
}  // namespace headroom
