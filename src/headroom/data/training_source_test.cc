// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/training_source.h"

#include "headroom/core/error.h"
#include "headroom/core/log.h"
#include "headroom/data/letterbox_source.h"
#include "headroom/data/pipelined_loader.h"
#include "headroom/data/ram_image_cache.h"
#include "headroom/data/simple_loader.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace headroom {
namespace {

constexpr int kImages = 30;

struct Data {
  testing::TempDir folder;
  testing::SyntheticDataset files;
  DatasetIndex index;

  explicit Data(bool polygons = false) : files(folder.path(), Options(polygons)), index(Build()) {}
  static testing::SyntheticDatasetOptions Options(bool polygons) {
    testing::SyntheticDatasetOptions options;
    options.train_images = kImages;
    options.val_images = 1;
    options.height = 90;
    options.width = 120;
    options.vary_sizes = true;
    options.polygons = polygons;
    options.suffixes = {"jpg", "png"};
    return options;
  }
  [[nodiscard]] DatasetIndex Build() const {
    DatasetIndexOptions options;
    options.sources = {files.images("train").string()};
    options.num_classes = 3;
    return DatasetIndex::Build(options);
  }
};

TrainingSourceOptions Options() {
  TrainingSourceOptions options;
  options.image_size = 64;
  options.batch = 4;
  options.seed = 9;
  return options;
}

// All that a consumer sees of some positions.
struct Delivered {
  std::vector<std::uint8_t> pixels;
  std::vector<LabelBox> labels;
  std::uint32_t image;
  ImageSize size;
  friend bool operator==(const Delivered& a, const Delivered& b) {
    const auto same = [](const LabelBox& x, const LabelBox& y) {
      return x.class_id == y.class_id && x.box == y.box;
    };
    return a.pixels == b.pixels && a.image == b.image && a.size == b.size &&
           std::equal(a.labels.begin(), a.labels.end(), b.labels.begin(), b.labels.end(), same);
  }
};

std::vector<Delivered> Read(Loader& loader, int epoch, std::int64_t first = 0) {
  std::vector<Delivered> all;
  loader.StartEpoch(epoch, first);
  for (std::int64_t p = first; p < loader.size(); ++p) {
    const Sample& s = loader.Get(p);
    all.push_back({{s.pixels.begin(), s.pixels.end()},
                   {s.labels.begin(), s.labels.end()},
                   s.image_index,
                   {s.height, s.width}});
    loader.Acknowledge(p + 1);
  }
  return all;
}

std::vector<Delivered> Expected(const TrainingSourceOptions& options, const DatasetIndex& index,
                                int epoch) {
  TrainingSourceOptions plain = options;
  plain.use_pool = false;
  plain.render = RenderPath::kReference;
  SimpleLoader loader(std::make_unique<TrainingSource>(plain, index, nullptr, nullptr), 4);
  return Read(loader, epoch);
}

struct Variant {
  const char* name;
  void (*change)(TrainingSourceOptions&);
  bool polygons = false;
};

class TrainingSources : public ::testing::TestWithParam<Variant> {};

TEST_P(TrainingSources, AnyWorkersAndAnyPoolGiveTheBytesOfTheSimpleLoader) {
  const Data data(GetParam().polygons);
  TrainingSourceOptions options = Options();
  GetParam().change(options);
  std::map<int, std::vector<Delivered>> expected;
  for (const int epoch : {0, 1}) expected[epoch] = Expected(options, data.index, epoch);
  for (const int workers : {0, 1, 2, 12}) {
    for (const std::uint64_t pool : {4, 1000}) {
      options.pool_images = pool;
      PipelinedLoader loader(
          std::make_unique<TrainingSource>(options, data.index, nullptr, nullptr),
          {.workers = workers, .max_in_flight = 3}, nullptr);
      for (const int epoch : {0, 1}) {
        EXPECT_TRUE(Read(loader, epoch) == expected[epoch])
            << workers << " workers, pool of " << pool << ", epoch " << epoch;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Options, TrainingSources,
    ::testing::Values(
        Variant{"defaults", [](TrainingSourceOptions&) {}},
        Variant{"turned", [](TrainingSourceOptions& o) { o.augment.degrees = 20; }},
        Variant{"mixed",
                [](TrainingSourceOptions& o) { o.augment.mixup = o.augment.cutmix = 0.5; }},
        Variant{"rect", [](TrainingSourceOptions& o) { o.rect = true; }},
        Variant{"paste", [](TrainingSourceOptions& o) { o.augment.copy_paste = 0.5; }, true}),
    [](const auto& test) { return test.param.name; });

TEST(TrainingSource, ARamCacheChangesNothing) {
  const Data data;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(100), "test", ledger);
  RamImageCacheOptions cache_options;
  cache_options.images = kImages;
  cache_options.slab = Bytes::KiB(64);
  RamImageCache cache(cache_options, budget);
  PipelinedLoader loader(std::make_unique<TrainingSource>(Options(), data.index, &cache, &budget),
                         {.workers = 3, .max_in_flight = 3}, &budget);
  for (const int epoch : {0, 1, 2}) {
    EXPECT_TRUE(Read(loader, epoch) == Expected(Options(), data.index, epoch)) << epoch;
    if (epoch == 1) (void)cache.Release(Bytes::KiB(200), ReclaimTime::kNow);
  }
  EXPECT_GT(cache.size(), 0U);
}

TEST(TrainingSource, AReclaimedPoolChangesNothing) {
  const Data data;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(100), "test", ledger);
  PipelinedLoader loader(std::make_unique<TrainingSource>(Options(), data.index, nullptr, &budget),
                         {.workers = 3, .max_in_flight = 3}, &budget);
  std::jthread thief([&] {
    for (int i = 0; i < 50; ++i) {
      (void)budget.Reclaim(Bytes::KiB(10), ReclaimTime::kNow);
      std::this_thread::yield();
    }
  });
  EXPECT_TRUE(Read(loader, 0) == Expected(Options(), data.index, 0));
}

TEST(TrainingSource, EpochsDifferAndVisitEveryImageOnce) {
  const Data data;
  PipelinedLoader loader(std::make_unique<TrainingSource>(Options(), data.index, nullptr, nullptr),
                         {.workers = 2, .max_in_flight = 3}, nullptr);
  const auto first = Read(loader, 0);
  const auto second = Read(loader, 1);
  for (const auto& epoch : {first, second}) {
    std::set<std::uint32_t> images;
    for (const Delivered& d : epoch) images.insert(d.image);
    EXPECT_EQ(images.size(), static_cast<std::size_t>(kImages));
  }
  EXPECT_FALSE(first == second);
  // An epoch may be entered anywhere.
  const auto tail = Read(loader, 0, 17);
  EXPECT_TRUE(std::equal(tail.begin(), tail.end(), first.begin() + 17, first.end()));
}

TEST(TrainingSource, PartnersComeFromTheWindowBefore) {
  const Data data;
  TrainingSourceOptions options = Options();
  options.batch = 1;  // A window of 8.
  TrainingSource source(options, data.index, nullptr, nullptr);
  source.StartEpoch(3, 0);
  std::set<std::int64_t> distances;
  for (std::int64_t p = 0; p < kImages; ++p) {
    const SamplePlan plan = source.PlanOf(p);
    for (std::size_t k = 1; k < 4; ++k) {
      std::int64_t back = 1;
      while (back <= 8 && source.order().Before(p, back) != plan.scene.images[k]) ++back;
      EXPECT_LE(back, 8);
      distances.insert(back);
    }
  }
  EXPECT_EQ(distances.size(), 8U);
}

TEST(TrainingSource, CloseMosaicEndsMosaicMixupAndCutmix) {
  const Data data;
  TrainingSourceOptions options = Options();
  options.augment.mixup = options.augment.cutmix = 1;
  PipelinedLoader loader(std::make_unique<TrainingSource>(options, data.index, nullptr, nullptr),
                         {.workers = 2, .max_in_flight = 3}, nullptr);
  (void)Read(loader, 0);
  loader.CloseMosaic();
  const auto closed = Read(loader, 1);
  options.augment = options.augment.WithoutMosaic();
  EXPECT_TRUE(closed == Expected(options, data.index, 1));
}

TEST(TrainingSource, RectTrainingHasTheShapesOfItsBatches) {
  const Data data;
  TrainingSourceOptions options = Options();
  options.rect = true;
  SimpleLoader loader(std::make_unique<TrainingSource>(options, data.index, nullptr, nullptr), 4);
  const auto all = Read(loader, 0);
  std::set<std::pair<int, int>> shapes;
  for (std::size_t p = 0; p < all.size(); ++p) {
    EXPECT_EQ(all[p].size, all[p / 4 * 4].size);
    EXPECT_EQ(all[p].size.height % 32, 0);
    shapes.insert({all[p].size.height, all[p].size.width});
  }
  EXPECT_GT(shapes.size(), 1U);
}

// Collects warnings while it lives.
class Warnings {
 public:
  Warnings() {
    SetLogSink([this](LogLevel, std::string_view text) {
      std::lock_guard lock(mutex_);
      lines_.emplace_back(text);
    });
  }
  ~Warnings() { SetLogSink({}); }
  [[nodiscard]] std::vector<std::string> lines() {
    std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

TEST(TrainingSource, DamagedImagesAreReplacedNamedOnceAndCounted) {
  const Data data;
  testing::WriteText(data.index.ImagePath(5), "no image");
  testing::WriteText(data.index.ImagePath(6), "no image");
  const auto expected = Expected(Options(), data.index, 0);
  for (const int workers : {1, 12}) {
    Warnings warnings;
    auto owned = std::make_unique<TrainingSource>(Options(), data.index, nullptr, nullptr);
    const TrainingSource& source = *owned;
    PipelinedLoader loader(std::move(owned), {.workers = workers, .max_in_flight = 3}, nullptr);
    EXPECT_TRUE(Read(loader, 0) == expected);
    (void)Read(loader, 1);
    EXPECT_EQ(source.damaged_images(), 2);
    const auto lines = warnings.lines();
    EXPECT_EQ(lines.size(), 2U);
    EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(data.index.ImagePath(5)) != std::string::npos;
    }));
  }
  EXPECT_EQ(std::count_if(expected.begin(), expected.end(),
                          [](const Delivered& d) { return d.image == 7; }),
            3);
}

// In place of image 5 a picture of another size, in place of 6 one that asks for more than any did.
void ReplaceTwo(const DatasetIndex& index) {
  const ImageSize size = index.image_size(6);
  const auto large = testing::SyntheticPixels(900, 1200, 1);
  testing::WriteBytes(index.ImagePath(5), testing::EncodeImage(large, 900, 1200, "png"));
  auto greedy = testing::EncodeImage(testing::SyntheticPixels(size.height, size.width, 1),
                                     size.height, size.width, "png");
  greedy.resize(greedy.size() + (4U << 20));  // Bytes behind the end change no pixel.
  testing::WriteBytes(index.ImagePath(6), greedy);
}

TEST(TrainingSource, ReplacedImagesAreAnotherSamplesTurnWhateverTheWorkers) {
  const Data data;
  ReplaceTwo(data.index);
  const auto expected = Expected(Options(), data.index, 0);
  for (const int workers : {1, 12}) {
    for (const bool use_pool : {false, true}) {
      Warnings warnings;
      TrainingSourceOptions options = Options();
      options.use_pool = use_pool;
      auto owned = std::make_unique<TrainingSource>(options, data.index, nullptr, nullptr);
      const TrainingSource& source = *owned;
      PipelinedLoader loader(std::move(owned), {.workers = workers, .max_in_flight = 3}, nullptr);
      EXPECT_TRUE(Read(loader, 0) == expected);
      (void)Read(loader, 1);
      EXPECT_EQ(source.damaged_images(), 2);
      auto lines = warnings.lines();
      std::sort(lines.begin(), lines.end());
      ASSERT_EQ(lines.size(), 2U);  // Each named once.
      EXPECT_TRUE(lines[0].starts_with(data.index.ImagePath(5))) << lines[0];
      EXPECT_NE(lines[0].find("1200x900 px now"), std::string::npos) << lines[0];
      EXPECT_TRUE(lines[1].starts_with(data.index.ImagePath(6))) << lines[1];
      EXPECT_NE(lines[1].find("reading it takes 4."), std::string::npos) << lines[1];
    }
  }
  EXPECT_EQ(std::count_if(expected.begin(), expected.end(),
                          [](const Delivered& d) { return d.image == 7; }),
            3);
}

TEST(LetterboxSource, ReplacedImagesAreAnotherSamplesTurn) {
  const Data data;
  ReplaceTwo(data.index);
  Warnings warnings;
  LetterboxSourceOptions options;
  options.image_size = 128;
  auto owned = std::make_unique<LetterboxSource>(options, data.index, nullptr);
  const LetterboxSource& source = *owned;
  PipelinedLoader loader(std::move(owned), {.workers = 2, .max_in_flight = 3}, nullptr);
  const auto all = Read(loader, 0);
  EXPECT_EQ(source.damaged_images(), 2);
  EXPECT_EQ(warnings.lines().size(), 2U);
  EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const Delivered& d) { return d.image == 7; }),
            3);
}

TEST(TrainingSource, WithoutAnyReadableImageItSaysSo) {
  const Data data;
  for (std::size_t i = 0; i < data.index.size(); ++i)
    testing::WriteText(data.index.ImagePath(i), "");
  Warnings warnings;
  PipelinedLoader loader(std::make_unique<TrainingSource>(Options(), data.index, nullptr, nullptr),
                         {.workers = 3, .max_in_flight = 3}, nullptr);
  loader.StartEpoch(0, 0);
  EXPECT_THROW((void)loader.Get(0), DataError);
}

TEST(TrainingSource, StatesItsMemory) {
  const Data data;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(100), "test", ledger);
  const TrainingSourceOptions options = Options();
  const TrainingSource source(options, data.index, nullptr, &budget);
  EXPECT_EQ(budget.used(), EstimateMemory(options, data.index).row(MemoryTag::kMosaicPool).bytes);
  EXPECT_GT(source.worker_bytes(), Bytes());
}

}  // namespace
}  // namespace headroom
