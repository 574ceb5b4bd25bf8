// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/image_cache.h"

#include "headroom/core/file.h"
#include "headroom/core/rng.h"
#include "headroom/data/disk_image_cache.h"
#include "headroom/data/ram_image_cache.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

namespace headroom {
namespace {

using ::testing::HasSubstr;
using testing::SyntheticDataset;
using testing::TempDir;

Image Picture(int number, ImageSize size) {
  Image image(size);
  for (std::size_t i = 0; i < size.PixelBytes().count(); ++i) {
    image.data()[i] = static_cast<std::uint8_t>(i * 7 + static_cast<std::size_t>(number) * 31);
  }
  return image;
}

bool Same(const ImageView& a, const Image& b) {
  return a.size() == b.size() && std::memcmp(a.data, b.data(), b.size().PixelBytes().count()) == 0;
}

Bytes ResidentAnonymous() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != "RssAnon:") continue;
    std::uint64_t kib = 0;
    status >> kib;
    return Bytes::KiB(kib);
  }
  return {};
}

class RamImageCacheTest : public ::testing::Test {
 protected:
  Ledger ledger_;
  Budget budget_{MemoryPlace::kHost, Bytes::MiB(64), "a test", ledger_};
  Image scratch_;
};

TEST_F(RamImageCacheTest, GivesBackWhatItKept) {
  RamImageCache cache({.images = 100}, budget_);
  EXPECT_FALSE(cache.Find(7, &scratch_));
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(cache.Store(static_cast<std::uint32_t>(i), Picture(i, {20 + i, 31}).view()));
  }
  for (int i = 0; i < 100; ++i) {
    const auto found = cache.Find(static_cast<std::uint32_t>(i), &scratch_);
    ASSERT_TRUE(found);
    EXPECT_TRUE(Same(found->view(), Picture(i, {20 + i, 31})));
  }
  EXPECT_EQ(cache.NumBytes(), Bytes::MiB(8));
  EXPECT_EQ(ledger_.Read().row(MemoryTag::kImageCache).now, Bytes::MiB(8) + Bytes(1600));
}

TEST_F(RamImageCacheTest, KeepsWhatFitsAndNeverRefusesTheRun) {
  RamImageCache cache({.images = 1000, .keep_free = Bytes::MiB(16)}, budget_);
  int kept = 0;
  for (int i = 0; i < 200; ++i)
    kept += cache.Store(static_cast<std::uint32_t>(i), Image({480, 640}).view());
  EXPECT_EQ(cache.size(), static_cast<std::uint64_t>(kept));
  EXPECT_LE(cache.NumBytes(), Bytes::MiB(48));
  EXPECT_GE(kept, 40);
  EXPECT_LT(kept, 52);
  EXPECT_TRUE(cache.Find(0, &scratch_));
  EXPECT_FALSE(cache.Find(199, &scratch_));
  EXPECT_THAT(cache.Describe(), HasSubstr(fmt::format("{} of 1000 images", kept)));
}

TEST_F(RamImageCacheTest, APictureLargerThanASlabHasItsOwn) {
  RamImageCache cache({.images = 4, .slab = Bytes::KiB(64)}, budget_);
  EXPECT_TRUE(cache.Store(0, Picture(0, {300, 300}).view()));
  EXPECT_TRUE(cache.Store(1, Picture(1, {10, 10}).view()));
  EXPECT_TRUE(Same(cache.Find(0, &scratch_)->view(), Picture(0, {300, 300})));
  EXPECT_TRUE(Same(cache.Find(1, &scratch_)->view(), Picture(1, {10, 10})));
}

TEST_F(RamImageCacheTest, WhatIsReleasedLeavesTheProcess) {
  RamImageCache cache({.images = 1000}, budget_);
  for (int i = 0; i < 60; ++i)
    (void)cache.Store(static_cast<std::uint32_t>(i), Picture(i, {480, 640}).view());
  const Bytes before = ResidentAnonymous();
  const Bytes held = cache.NumBytes();
  ASSERT_GE(held, Bytes::MiB(48));
  const Bytes asked = Bytes::MiB(30);
  const Bytes given = cache.Release(asked, ReclaimTime::kNow);
  EXPECT_GE(given, asked);
  EXPECT_LT(given, asked + Bytes::MiB(8));
  EXPECT_EQ(cache.NumBytes() + given, held);
  EXPECT_LE(ResidentAnonymous() + Scale(asked, 0.9), before);
  EXPECT_EQ(budget_.used(), cache.NumBytes() + Bytes(16000));
  // What is left is still right; it does not grow again until it may.
  EXPECT_TRUE(Same(cache.Find(0, &scratch_)->view(), Picture(0, {480, 640})));
  EXPECT_FALSE(cache.Store(59, Picture(59, {480, 640}).view()));
  cache.SetLimit(Bytes::MiB(64));
  EXPECT_TRUE(cache.Store(59, Picture(59, {480, 640}).view()));
  EXPECT_TRUE(Same(cache.Find(59, &scratch_)->view(), Picture(59, {480, 640})));
}

TEST_F(RamImageCacheTest, APictureInUseStaysUntilItIsLetGo) {
  RamImageCache cache({.images = 10}, budget_);
  (void)cache.Store(0, Picture(0, {480, 640}).view());
  {
    const auto in_use = cache.Find(0, &scratch_);
    EXPECT_EQ(cache.Release(Bytes::MiB(8), ReclaimTime::kNow), Bytes());
    EXPECT_TRUE(Same(in_use->view(), Picture(0, {480, 640})));
  }
  EXPECT_EQ(cache.Release(Bytes::MiB(8), ReclaimTime::kNow), Bytes::MiB(8));
  EXPECT_FALSE(cache.Find(0, &scratch_));
}

TEST_F(RamImageCacheTest, TheBudgetTakesFromItForOthers) {
  RamImageCache cache({.images = 1000}, budget_);
  for (int i = 0; i < 100; ++i)
    (void)cache.Store(static_cast<std::uint32_t>(i), Image({480, 640}).view());
  ASSERT_GT(budget_.used(), Bytes::MiB(50));
  const Reservation batch(budget_, MemoryTag::kBatches, Bytes::MiB(40));
  EXPECT_LE(budget_.used(), Bytes::MiB(64));
  EXPECT_LE(cache.NumBytes(), Bytes::MiB(24));
}

TEST_F(RamImageCacheTest, ThreadsStoreFindAndReleaseTogether) {
  RamImageCache cache({.images = 64, .slab = Bytes::KiB(64)}, budget_);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      Rng rng(static_cast<std::uint64_t>(t));
      Image scratch;
      for (int i = 0; i < 2000; ++i) {
        const auto image = static_cast<int>(rng.Below(64));
        const ImageSize size{10 + image, 40};
        const auto found = cache.Find(static_cast<std::uint32_t>(image), &scratch);
        if (found) {
          EXPECT_TRUE(Same(found->view(), Picture(image, size)));
        } else {
          (void)cache.Store(static_cast<std::uint32_t>(image), Picture(image, size).view());
        }
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < 300; ++i) {
      (void)budget_.Reclaim(Bytes::KiB(64), ReclaimTime::kNow);
      cache.SetLimit(Bytes::MiB(1));
    }
  });
}

TEST(EstimateRamCache, IsNotLessThanWhatIsHeldAndNotMuchMore) {
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::GiB(1), "a test", ledger);
  std::vector<ImageSize> sizes;
  for (int i = 0; i < 120; ++i) sizes.push_back({480 + i, 640});
  const RamImageCacheOptions options{.images = sizes.size()};
  RamImageCache cache(options, budget);
  for (std::uint32_t i = 0; i < sizes.size(); ++i)
    ASSERT_TRUE(cache.Store(i, Image(sizes[i]).view()));
  const Bytes predicted = EstimateRamCache(sizes, 640, options).Total();
  EXPECT_LE(budget.used(), predicted);
  EXPECT_GE(budget.used().count() * 4 / 3, predicted.count());
}

class DiskImageCacheTest : public ::testing::Test {
 protected:
  DiskImageCacheTest() : set_(dir_.path() / "set", {.train_images = 10}), index_(Index()) {
    options_.path = (dir_.path() / "images.headroom").string();
  }
  DatasetIndex Index() const {
    DatasetIndexOptions options;
    options.sources = {set_.images("train").string()};
    options.use_cache = false;
    return DatasetIndex::Build(options);
  }
  std::unique_ptr<DiskImageCache> Open() {
    auto cache = DiskImageCache::Open(options_, index_, nullptr, &note_);
    EXPECT_TRUE(cache.ok()) << cache.error();
    return std::move(*cache);
  }
  void Fill() {
    const auto cache = Open();
    for (int i = 0; i < 10; ++i)
      EXPECT_TRUE(cache->Store(static_cast<std::uint32_t>(i), Picture(i, {48, 64}).view()));
  }
  int Found(DiskImageCache& cache) {
    int found = 0;
    for (int i = 0; i < 10; ++i) {
      const auto picture = cache.Find(static_cast<std::uint32_t>(i), &scratch_);
      if (!picture) continue;
      EXPECT_TRUE(Same(picture->view(), Picture(i, {48, 64})));
      ++found;
    }
    return found;
  }
  TempDir dir_;
  SyntheticDataset set_;
  DatasetIndex index_;
  DiskImageCacheOptions options_;
  std::string note_;
  Image scratch_;
};

TEST_F(DiskImageCacheTest, KeepsPicturesFromRunToRun) {
  Fill();
  const auto cache = Open();
  EXPECT_EQ(note_, "");
  EXPECT_EQ(Found(*cache), 10);
  EXPECT_THAT(cache->Describe(), HasSubstr("10 of 10 images"));
}

TEST_F(DiskImageCacheTest, AChangedSourceIsDecodedAndStoredAgain) {
  Fill();
  const auto cache = Open();
  testing::WriteText(set_.image_paths("train")[4], "changed");
  EXPECT_FALSE(cache->Find(4, &scratch_));
  const auto size_before = std::filesystem::file_size(options_.path);
  EXPECT_TRUE(cache->Store(4, Picture(4, {48, 64}).view()));
  EXPECT_EQ(std::filesystem::file_size(options_.path), size_before);
  EXPECT_EQ(Found(*cache), 10);
}

TEST_F(DiskImageCacheTest, DamageCostsThePictureItHit) {
  Fill();
  const std::string good = *ReadFile(options_.path);
  for (std::size_t at = 60; at < good.size(); at += good.size() / 40) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    testing::WriteText(options_.path, bad);
    EXPECT_EQ(Found(*Open()), 9) << at;
  }
  testing::WriteText(options_.path, good.substr(0, good.size() - 10));
  EXPECT_EQ(Found(*Open()), 9);
  testing::WriteText(options_.path, good.substr(0, 100));
  EXPECT_EQ(Found(*Open()), 0);
  EXPECT_THAT(note_, HasSubstr("is rebuilt"));
}

TEST_F(DiskImageCacheTest, AnotherRecipeOrListStartsAgain) {
  Fill();
  options_.image_size = 320;
  EXPECT_EQ(Found(*Open()), 0);
  EXPECT_THAT(note_, HasSubstr("another imgsz"));
}

TEST_F(DiskImageCacheTest, AFileThatIsNotOursIsNeverWrittenOver) {
  testing::WriteText(options_.path, "somebody's thesis");
  EXPECT_THAT(DiskImageCache::Open(options_, index_, nullptr, &note_).error(),
              HasSubstr("not an image cache"));
  EXPECT_EQ(*ReadFile(options_.path), "somebody's thesis");
  options_.path = "/proc/none/x";
  EXPECT_FALSE(DiskImageCache::Open(options_, index_, nullptr, &note_).ok());
}

TEST_F(DiskImageCacheTest, OneProcessFillsItAtATime) {
  const auto first = Open();
  EXPECT_THAT(DiskImageCache::Open(options_, index_, nullptr, &note_).error(), HasSubstr("in use"));
}

TEST_F(DiskImageCacheTest, ThreadsFillAndReadTogether) {
  const auto cache = Open();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      Rng rng(static_cast<std::uint64_t>(t));
      Image scratch;
      for (int i = 0; i < 300; ++i) {
        const auto image = static_cast<int>(rng.Below(10));
        const auto found = cache->Find(static_cast<std::uint32_t>(image), &scratch);
        if (found) {
          EXPECT_TRUE(Same(found->view(), Picture(image, {48, 64})));
        } else {
          EXPECT_TRUE(
              cache->Store(static_cast<std::uint32_t>(image), Picture(image, {48, 64}).view()));
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(Found(*cache), 10);
}

}  // namespace
}  // namespace headroom
