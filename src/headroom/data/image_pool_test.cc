// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/image_pool.h"

#include "headroom/core/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

namespace headroom {
namespace {

constexpr ImageSize kSize{32, 128};  // 12 KiB: three pages.

ImagePoolOptions Options(std::uint64_t places, std::uint32_t images = 100) {
  ImagePoolOptions options;
  options.images = images;
  options.wanted_images = places;
  options.mean_image_bytes = options.max_image_bytes = kSize.PixelBytes();
  return options;
}

void Put(ImagePool& pool, std::uint32_t image) {
  auto filling = pool.BeginFill(image, kSize);
  ASSERT_TRUE(filling);
  std::fill_n(filling->pixels().data, kSize.PixelBytes().count(), static_cast<std::uint8_t>(image));
  (void)std::move(*filling).Finish();
}

TEST(ImagePool, GivesBackWhatWasPut) {
  ImagePool pool(Options(4), nullptr);
  EXPECT_FALSE(pool.Find(7));
  Put(pool, 7);
  const auto pin = pool.Find(7);
  ASSERT_TRUE(pin);
  EXPECT_EQ(pin->view().size(), kSize);
  EXPECT_EQ(pin->view().data[100], 7);
}

TEST(ImagePool, StaysWithinItsBytes) {
  ImagePoolOptions options = Options(50);
  options.limit = Bytes::KiB(12 * 5 + 7);
  ImagePool pool(options, nullptr);
  for (std::uint32_t i = 0; i < 40; ++i) {
    Put(pool, i);
    EXPECT_LE(pool.held(), options.limit);
  }
  EXPECT_EQ(pool.held(), Bytes::KiB(60));
}

TEST(ImagePool, ALargePicturePushesOutAsManySmallOnesAsItTakes) {
  ImagePoolOptions options = Options(10);
  options.max_image_bytes = Bytes::KiB(48);
  options.limit = Bytes::KiB(60);
  ImagePool pool(options, nullptr);
  for (std::uint32_t i = 0; i < 5; ++i) Put(pool, i);
  auto filling = pool.BeginFill(9, {128, 128});
  ASSERT_TRUE(filling);
  EXPECT_EQ(pool.held(), Bytes::KiB(60));
  (void)std::move(*filling).Finish();
  int small = 0;
  for (std::uint32_t i = 0; i < 5; ++i) small += pool.Find(i).has_value();
  EXPECT_EQ(small, 1);
}

TEST(ImagePool, WhatIsInUseIsNeverReplaced) {
  ImagePool pool(Options(2), nullptr);
  Put(pool, 1);
  Put(pool, 2);
  {
    const auto one = pool.Find(1);
    const auto two = pool.Find(2);
    EXPECT_FALSE(pool.BeginFill(3, kSize));
  }
  Put(pool, 3);
}

TEST(ImagePool, AnAbandonedPlaceIsFree) {
  ImagePool pool(Options(1), nullptr);
  {
    const auto filling = pool.BeginFill(5, kSize);
  }
  EXPECT_FALSE(pool.Find(5));
  Put(pool, 6);
  EXPECT_TRUE(pool.Find(6));
}

TEST(ImagePool, MakesRoomByWhatIsNeededLast) {
  ImagePool pool(Options(3), nullptr);
  pool.Announce(10, std::array<std::uint32_t, 1>{1});
  pool.Announce(11, std::array<std::uint32_t, 1>{2});
  pool.Announce(30, std::array<std::uint32_t, 1>{3});
  for (const std::uint32_t image : {1U, 2U, 3U}) Put(pool, image);
  Put(pool, 4);  // Never needed itself, but 3 is needed last of those that are there.
  EXPECT_FALSE(pool.Find(3));
  EXPECT_TRUE(pool.Find(1));
  pool.Pass(11);  // 1 is not needed any more, nor is 4.
  Put(pool, 5);
  Put(pool, 6);
  EXPECT_TRUE(pool.Find(2));
}

TEST(ImagePool, KnowingTheFutureBeatsEvictingTheOldest) {
  // Every position uses a new image and three of the last 100.
  constexpr std::int64_t kPositions = 2000, kWindow = 100;
  std::vector<std::vector<std::uint32_t>> uses;
  for (std::int64_t p = 0; p < kPositions; ++p) {
    Rng rng = Rng(1).Fork(static_cast<std::uint64_t>(p));
    uses.push_back({static_cast<std::uint32_t>(p)});
    for (int k = 0; k < 3; ++k)
      uses.back().push_back(static_cast<std::uint32_t>(
          std::max<std::int64_t>(0, p - 1 - static_cast<std::int64_t>(rng.Below(kWindow)))));
  }
  ImagePool pool(Options(43, kPositions), nullptr);
  std::int64_t announced = 0;
  for (std::int64_t p = 0; p < kPositions; ++p) {
    pool.Pass(p);
    for (; announced < std::min(p + kWindow, kPositions); ++announced)
      pool.Announce(announced, uses[static_cast<std::size_t>(announced)]);
    for (const std::uint32_t image : uses[static_cast<std::size_t>(p)]) {
      if (!pool.Find(image)) Put(pool, image);
    }
  }
  // 1 in 4 is new. Of the other three a queue of 43 would have 43 %.
  const double hits = static_cast<double>(pool.statistics().hits) / (3 * kPositions);
  EXPECT_GT(hits, 0.7);
}

TEST(ImagePool, ReleaseGivesBackAndCountsWhatItGave) {
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(1), "test", ledger);
  ImagePool pool(Options(20), &budget);
  EXPECT_EQ(budget.used(), Bytes::KiB(240));
  for (std::uint32_t i = 0; i < 20; ++i) Put(pool, i);
  const auto pin = pool.Find(3);
  EXPECT_GE(budget.Reclaim(Bytes::KiB(100), ReclaimTime::kNow), Bytes::KiB(100));
  EXPECT_EQ(budget.used(), pool.limit());
  EXPECT_LE(pool.held(), pool.limit());
  EXPECT_EQ(pin->view().data[0], 3);
  // All that can be given, the picture in use excepted.
  (void)budget.Reclaim(Bytes::MiB(1), ReclaimTime::kNow);
  EXPECT_LE(pool.held(), Bytes::KiB(12));
  EXPECT_LE(budget.used(), Bytes::KiB(12));
}

TEST(ImagePool, TakesWhatTheBudgetHasLeft) {
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::KiB(100), "test", ledger);
  ImagePool pool(Options(20), &budget);
  EXPECT_LE(budget.used(), Bytes::KiB(100));
  EXPECT_GE(pool.limit(), Bytes::KiB(60));
  Put(pool, 1);
}

TEST(ImagePool, WithoutAPlaceItIsEmptyButAlive) {
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::KiB(1), "test", ledger);
  ImagePool pool(Options(20), &budget);
  EXPECT_FALSE(pool.Find(1));
  EXPECT_FALSE(pool.BeginFill(1, kSize));
}

TEST(ImagePool, OthersWaitWhileOneFills) {
  ImagePool pool(Options(8), nullptr);
  std::atomic<int> decoded{0};
  std::vector<std::jthread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&] {
      for (std::uint32_t round = 0; round < 300; ++round) {
        const std::uint32_t image = round / 2 % 50;
        if (auto pin = pool.Find(image)) {
          EXPECT_EQ(pin->view().data[9], static_cast<std::uint8_t>(image));
        } else if (auto filling = pool.BeginFill(image, kSize)) {
          ++decoded;
          std::fill_n(filling->pixels().data, kSize.PixelBytes().count(),
                      static_cast<std::uint8_t>(image));
          const auto mine = std::move(*filling).Finish();
          EXPECT_EQ(mine.view().data[9], static_cast<std::uint8_t>(image));
        }
      }
    });
  }
  workers.clear();
  EXPECT_EQ(pool.statistics().misses, decoded);
}

}  // namespace
}  // namespace headroom
