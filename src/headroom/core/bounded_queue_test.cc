// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/bounded_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace headroom {
namespace {

TEST(BoundedQueue, PushBlocksWhenFull) {
  BoundedQueue<int> queue(1);
  queue.Push(1);
  std::atomic<bool> pushed{false};
  std::jthread producer([&] {
    queue.Push(2);
    pushed = true;
  });
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue.Pop(), 1);
  EXPECT_EQ(queue.Pop(), 2);
  producer.join();
  EXPECT_TRUE(pushed);
}

TEST(BoundedQueue, CloseWakesBothSidesAndKeepsWhatIsQueued) {
  BoundedQueue<int> queue(1);
  queue.Push(1);
  std::jthread producer([&] { EXPECT_FALSE(queue.Push(2)); });
  queue.Close();
  producer.join();
  EXPECT_EQ(queue.Pop(), 1);
  EXPECT_EQ(queue.Pop(), std::nullopt);
}

}  // namespace
}  // namespace headroom
