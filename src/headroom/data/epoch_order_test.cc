// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/epoch_order.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace headroom {
namespace {

std::vector<std::uint32_t> OrderOf(const EpochOrder& order) {
  std::vector<std::uint32_t> images;
  for (std::int64_t p = 0; p < order.size(); ++p) images.push_back(order.At(p));
  return images;
}

TEST(EpochOrder, VisitsEveryImageOnce) {
  EpochOrder order(3, 100);
  for (int epoch = 0; epoch < 3; ++epoch) {
    order.Start(epoch);
    const auto images = OrderOf(order);
    EXPECT_EQ(std::set(images.begin(), images.end()).size(), 100U);
  }
}

TEST(EpochOrder, IsAFunctionOfSeedAndEpoch) {
  EpochOrder through(3, 100);
  for (int epoch = 0; epoch < 5; ++epoch) through.Start(epoch);
  EpochOrder straight(3, 100);
  straight.Start(4);
  EXPECT_EQ(OrderOf(through), OrderOf(straight));
  EXPECT_EQ(through.Before(2, 7), straight.Before(2, 7));
  EpochOrder other(4, 100);
  other.Start(4);
  EXPECT_NE(OrderOf(other), OrderOf(straight));
}

TEST(EpochOrder, BeforeTheFirstPositionLiesThePreviousEpoch) {
  EpochOrder order(3, 100);
  order.Start(6);
  const auto previous = OrderOf(order);
  order.Start(7);
  EXPECT_EQ(order.Before(0, 1), previous[99]);
  EXPECT_EQ(order.Before(5, 105), previous[0]);
  EXPECT_EQ(order.Before(5, 5), order.At(0));
}

TEST(EpochOrder, AFixedOrderStaysAsItIs) {
  EpochOrder order({2, 0, 1});
  order.Start(0);
  order.Start(5);
  EXPECT_EQ(OrderOf(order), (std::vector<std::uint32_t>{2, 0, 1}));
  EXPECT_EQ(order.Before(0, 1), 1U);
}

TEST(MosaicWindow, IsAsLongAsTheReferencesBuffer) {
  EXPECT_EQ(MosaicWindow(50, 16), 50);
  EXPECT_EQ(MosaicWindow(5000, 16), 128);
  EXPECT_EQ(MosaicWindow(5000, 133), 1000);
}

}  // namespace
}  // namespace headroom
