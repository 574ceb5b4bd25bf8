// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/label_cache.h"

#include "headroom/core/file.h"
#include "headroom/data/dataset_index.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

namespace headroom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::SyntheticDataset;
using testing::TempDir;
using testing::WriteText;

class LabelCacheTest : public ::testing::Test {
 protected:
  LabelCacheTest() : set_(dir_.path() / "set", {.train_images = 20, .polygons = true}) {
    options_.sources = {set_.images("train").string()};
    options_.num_classes = 3;
    options_.threads = 2;
  }
  [[nodiscard]] std::string CachePath() const {
    return (set_.root() / "labels/train.headroom").string();
  }
  // A rebuilt index, whose note has the text.
  void ExpectRebuilt(const std::string& why) {
    const DatasetIndex index = DatasetIndex::Build(options_);
    EXPECT_FALSE(index.from_cache());
    EXPECT_THAT(index.cache_note(), AllOf(HasSubstr(CachePath() + " is rebuilt"), HasSubstr(why)));
    EXPECT_TRUE(DatasetIndex::Build(options_).from_cache());
  }
  TempDir dir_;
  SyntheticDataset set_;
  DatasetIndexOptions options_;
};

void ExpectEqual(const DatasetIndex& a, const DatasetIndex& b) {
  ASSERT_EQ(a.size(), b.size());
  ASSERT_EQ(a.table().box_count(), b.table().box_count());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a.ImagePath(i), b.ImagePath(i));
    EXPECT_EQ(a.image_size(i), b.image_size(i));
    EXPECT_EQ(a.labels().Count(i), b.labels().Count(i));
  }
  for (std::size_t i = 0; i < a.table().box_count(); ++i) {
    EXPECT_EQ(a.table().class_id(i), b.table().class_id(i));
    EXPECT_EQ(a.table().box(i), b.table().box(i));
    EXPECT_TRUE(std::ranges::equal(a.table().polygon(i), b.table().polygon(i)));
  }
  EXPECT_EQ(a.messages(), b.messages());
  EXPECT_EQ(a.Summary(), b.Summary());
  EXPECT_EQ(a.NumBytes(), b.NumBytes());
  EXPECT_EQ(a.EstimateDecode(0).Total(), b.EstimateDecode(0).Total());
}

TEST_F(LabelCacheTest, ASecondRunLoadsTheSame) {
  WriteText(set_.image_paths("train")[3], "broken");
  WriteText(set_.labels("train") / "image000004.txt", "9 .5 .5 .1 .1\n");
  const DatasetIndex scanned = DatasetIndex::Build(options_);
  EXPECT_FALSE(scanned.from_cache());
  EXPECT_EQ(scanned.cache_note(), "");
  const DatasetIndex loaded = DatasetIndex::Build(options_);
  EXPECT_TRUE(loaded.from_cache());
  EXPECT_EQ(loaded.size(), 18U);
  ExpectEqual(scanned, loaded);
}

TEST_F(LabelCacheTest, ChangedSourcesAreNoticed) {
  (void)DatasetIndex::Build(options_);
  WriteText(set_.labels("train") / "image000002.txt", "0 .5 .5 .1 .1\n");
  ExpectRebuilt("1 image or label changed, first " + set_.image_paths("train")[2].string());
  // The same size, another time.
  std::filesystem::last_write_time(set_.image_paths("train")[5],
                                   std::filesystem::file_time_type::clock::now());
  ExpectRebuilt("image000005");
  std::filesystem::remove(set_.labels("train") / "image000000.txt");
  ExpectRebuilt("image000000");
  std::filesystem::rename(set_.image_paths("train")[7], set_.images("train") / "image000007b.jpg");
  ExpectRebuilt("list of images changed");
  std::filesystem::copy_file(set_.image_paths("train")[8], set_.images("train") / "new.jpg");
  ExpectRebuilt("20 images, 21 are listed now");
}

TEST_F(LabelCacheTest, DamagedTruncatedAndForeignFilesAreRebuilt) {
  (void)DatasetIndex::Build(options_);
  const std::string good = *ReadFile(CachePath());
  for (std::size_t at = 0; at < good.size(); at += 1 + good.size() / 200) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    WriteText(CachePath(), bad);
    const auto loaded = LoadLabelCache(CachePath());
    // Padding between sections is not looked at; nothing else may pass.
    if (loaded.ok()) {
      EXPECT_EQ(good[at], '\0') << at;
    }
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{10}, std::size_t{100}, good.size() / 2, good.size() - 1}) {
    WriteText(CachePath(), good.substr(0, size));
    EXPECT_FALSE(LoadLabelCache(CachePath()).ok()) << size;
  }
  ExpectRebuilt("truncated");
  WriteText(CachePath(), good + "more");
  EXPECT_FALSE(LoadLabelCache(CachePath()).ok());
  WriteText(CachePath(), std::string(1000, 'x'));
  ExpectRebuilt("not a label cache");
  std::string other_version = good;
  other_version[16] = 99;
  WriteText(CachePath(), other_version);
  ExpectRebuilt("version 99");
}

TEST_F(LabelCacheTest, AFractionUsesTheCacheOfTheWhole) {
  const DatasetIndex whole = DatasetIndex::Build(options_);
  options_.fraction.count = 5;
  const DatasetIndex part = DatasetIndex::Build(options_);
  EXPECT_TRUE(part.from_cache());
  EXPECT_EQ(part.size(), 5U);
  EXPECT_EQ(part.table().box_count(), whole.table().last(4));
  options_.use_cache = false;
  ExpectEqual(DatasetIndex::Build(options_), part);
}

TEST_F(LabelCacheTest, AnotherClassLimitMattersOnlyWhenItChangesSomething) {
  (void)DatasetIndex::Build(options_);
  options_.num_classes = 0;  // single_cls.
  EXPECT_TRUE(DatasetIndex::Build(options_).from_cache());
  options_.num_classes = 80;
  EXPECT_TRUE(DatasetIndex::Build(options_).from_cache());
  options_.num_classes = 1;
  ExpectRebuilt("it was made for 3 classes, now there are 1");
  options_.num_classes = 3;
  ExpectRebuilt("it was made for 1 classes, now there are 3");
}

TEST_F(LabelCacheTest, AFolderThatCannotBeWrittenIsNoError) {
  const auto labels = set_.root() / "labels";
  std::filesystem::create_directory(CachePath());  // As good as read-only, for root too.
  const DatasetIndex index = DatasetIndex::Build(options_);
  EXPECT_EQ(index.size(), 20U);
  EXPECT_THAT(index.cache_note(), HasSubstr("not cached"));
}

TEST_F(LabelCacheTest, ListsThatShareALabelsFolderHaveTheirOwnCache) {
  std::string list;
  for (const auto& image : set_.image_paths("train")) list += image.string() + "\n";
  WriteText(dir_.path() / "part.txt", list);
  options_.sources = {(dir_.path() / "part.txt").string()};
  (void)DatasetIndex::Build(options_);
  EXPECT_TRUE(std::filesystem::exists(set_.root() / "labels/train.part.headroom"));
  EXPECT_TRUE(DatasetIndex::Build(options_).from_cache());
}

TEST(LabelCache, AMillionImagesLoadInUnderASecond) {
  const TempDir dir;
  DatasetScan scan;
  LabelTableBuilder builder;
  for (int part = 0; part < 1000; ++part) {
    for (int i = 0; i < 1000; ++i) {
      scan.images.Append(fmt::format("/data/sets/big/images/train/part{:03}/photograph_{:09}.jpg",
                                     part / 5, part * 1000 + i));
    }
    LabelRows rows;
    rows.boxes_per_image.assign(1000, 5);
    for (int i = 0; i < 5000; ++i) rows.class_ids.push_back(i % 95);
    rows.boxes.assign(5000, {.5F, .5F, .1F, static_cast<float>(part)});
    rows.floats_per_polygon.resize(5000);
    builder.Append(std::move(rows));
  }
  scan.labels = builder.Build();
  scan.states.resize(scan.images.size());
  scan.sizes.assign(scan.images.size(), {480, 640});
  scan.fingerprints.resize(scan.images.size());
  const std::string path = (dir.path() / "labels.headroom").string();
  SaveLabelCache(path, scan);
  const auto start = std::chrono::steady_clock::now();
  const auto loaded = LoadLabelCache(path);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(loaded.ok()) << loaded.error();
  EXPECT_EQ(loaded->images.Path(999999), scan.images.Path(999999));
  EXPECT_EQ(loaded->labels.box(4999999), scan.labels.box(4999999));
  RecordProperty("load_ms", static_cast<int>(seconds.count() * 1000));
  RecordProperty("file_bytes", static_cast<int>(std::filesystem::file_size(path)));
#ifdef NDEBUG  // Sanitizers and debug builds are several times slower.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(seconds.count(), 1.0);
#endif
#endif
}

}  // namespace
}  // namespace headroom
