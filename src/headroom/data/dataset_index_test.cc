// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/dataset_index.h"

#include "headroom/core/error.h"
#include "headroom/data/decode_share.h"
#include "headroom/image/image_decoder.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <opencv2/imgcodecs.hpp>

#include <filesystem>

namespace headroom {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SyntheticDataset;
using testing::TempDir;
using testing::WriteBytes;
using testing::WriteText;

class DatasetIndexTest : public ::testing::Test {
 protected:
  DatasetIndexOptions Options(const SyntheticDataset& set) const {
    DatasetIndexOptions options;
    options.sources = {set.images("train").string()};
    options.num_classes = 3;
    options.needs_labels = true;
    options.use_cache = false;
    options.threads = 2;
    return options;
  }
  static std::string ErrorOf(const DatasetIndexOptions& options) {
    try {
      (void)DatasetIndex::Build(options);
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  }
  TempDir dir_;
};

TEST_F(DatasetIndexTest, HoldsImagesSizesAndLabelsInOrder) {
  const SyntheticDataset set(
      dir_.path(), {.train_images = 200, .vary_sizes = true, .suffixes = {"jpg", "png", "bmp"}});
  DatasetIndexOptions options = Options(set);
  std::int64_t reported = 0;
  options.on_progress = [&](std::int64_t done, const ScanCounts& counts) {
    reported = done;
    EXPECT_EQ(counts.total, 200);
  };
  const DatasetIndex index = DatasetIndex::Build(options);
  EXPECT_EQ(reported, 200);
  ASSERT_EQ(index.size(), 200U);
  EXPECT_EQ(index.Summary(), "200 images, 0 backgrounds, 0 corrupt");
  for (std::size_t i = 0; i < index.size(); ++i) {
    EXPECT_EQ(index.ImagePath(i), set.image_paths("train")[i].string());
    const auto& objects = set.objects("train")[i];
    std::vector<LabelBox> boxes;
    index.labels().Append(i, &boxes);
    ASSERT_EQ(boxes.size(), objects.size());
    for (std::size_t k = 0; k < boxes.size(); ++k) {
      EXPECT_EQ(boxes[k].class_id, objects[k].class_id);
      EXPECT_NEAR(boxes[k].box.x, objects[k].box.x, 1e-6);
      EXPECT_NEAR(boxes[k].box.h, objects[k].box.h, 1e-6);
    }
    EXPECT_GE(index.image_size(i).height, 24);
    EXPECT_LE(index.image_size(i).width, 64);
  }
  EXPECT_THAT(index.messages(), IsEmpty());
}

TEST_F(DatasetIndexTest, TheSharedPhotographsAreAllThere) {
  HEADROOM_NEEDS_SHARED("data/bccd/images/train");
  for (const auto& [split, count] : {std::pair{"train", 292}, {"val", 72}}) {
    DatasetIndexOptions options;
    options.sources = {testing::SharedFile(std::string("data/bccd/images/") + split).string()};
    options.num_classes = 3;
    options.use_cache = false;
    const DatasetIndex index = DatasetIndex::Build(options);
    EXPECT_EQ(index.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(index.counts().corrupt, 0);
    EXPECT_EQ(index.image_size(0), (ImageSize{480, 640}));
  }
}

TEST_F(DatasetIndexTest, BadFilesCostTheirImageAndAreCountedAndNamed) {
  const SyntheticDataset set(dir_.path(), {.train_images = 12});
  const auto& images = set.image_paths("train");
  const auto label = [&](int i) {
    return set.labels("train") / (images[static_cast<std::size_t>(i)].stem().string() + ".txt");
  };
  std::filesystem::resize_file(images[0], std::filesystem::file_size(images[0]) / 2);
  WriteText(images[1], "not an image");
  WriteText(images[2], "");
  WriteText(label(3), "0 .5 .5 .2\n");
  WriteText(label(4), "0 .5 .5 .2 .2\n3 .5 .5 .2 .2\n");
  WriteText(label(5), "0 nan .5 .2 .2\n");
  WriteText(label(6), "0 .5 .5 -.2 .2\n");
  std::filesystem::remove(label(7));
  WriteText(label(8), "\n");
  WriteText(label(9), "0 .5 .5 .2 .2\n0 .5 .5 .2 .2\n");
  const DatasetIndex index = DatasetIndex::Build(Options(set));
  EXPECT_EQ(index.size(), 5U);
  EXPECT_EQ(index.counts().corrupt, 7);
  EXPECT_EQ(index.counts().missing, 1);
  EXPECT_EQ(index.counts().empty, 1);
  EXPECT_EQ(index.counts().found, 8);
  EXPECT_EQ(index.counts().total, 12);
  EXPECT_EQ(index.ImagePath(0), images[7].string());
  EXPECT_EQ(index.labels().Count(0), 0U);
  EXPECT_EQ(index.labels().Count(2), 1U);
  EXPECT_EQ(index.labels().Count(4), set.objects("train")[11].size());
  const auto& messages = index.messages();
  ASSERT_EQ(messages.size(), 8U);
  EXPECT_THAT(messages[0], AllOf(HasSubstr(images[0].string()), HasSubstr("truncated JPEG")));
  EXPECT_THAT(messages[1], HasSubstr("not an image"));
  EXPECT_THAT(messages[2], HasSubstr("empty"));
  EXPECT_THAT(messages[3],
              AllOf(HasSubstr(label(3).string() + ":1: 4 columns"), HasSubstr("is left out")));
  EXPECT_THAT(messages[4], HasSubstr(label(4).string() + ":2: class 3, allowed is 0 to 2"));
  EXPECT_THAT(messages[7], HasSubstr("1 duplicate line ignored"));
}

TEST_F(DatasetIndexTest, TheListOfMessagesIsShort) {
  const SyntheticDataset set(dir_.path(), {.train_images = 150});
  for (std::size_t i = 0; i < 140; ++i) WriteText(set.image_paths("train")[i], "x");
  const DatasetIndex index = DatasetIndex::Build(Options(set));
  EXPECT_EQ(index.messages().size(), kMaxScanMessages + 1);
  EXPECT_EQ(index.messages().back(), "... and 120 more");
  EXPECT_THAT(index.messages().front(), HasSubstr("image000000"));
}

TEST_F(DatasetIndexTest, ARunThatCannotGoOnSaysWhy) {
  const SyntheticDataset set(dir_.path(), {.train_images = 4, .num_classes = 1});
  DatasetIndexOptions options = Options(set);
  std::filesystem::rename(set.labels("train"), dir_.path() / "elsewhere");
  EXPECT_THAT(ErrorOf(options),
              AllOf(HasSubstr("none of the 4 images has a label file"),
                    HasSubstr((set.labels("train") / "image000000.txt").string())));
  options.needs_labels = false;
  EXPECT_THAT(DatasetIndex::Build(options).messages(),
              ElementsAre("train: no label file holds any box"));
  std::filesystem::rename(dir_.path() / "elsewhere", set.labels("train"));
  options.needs_labels = true;
  for (const auto& image : set.image_paths("train")) {
    WriteText(set.labels("train") / (image.stem().string() + ".txt"), "7 .5 .5 .1 .1\n");
  }
  EXPECT_THAT(ErrorOf(options), AllOf(HasSubstr("none of the 4 images can be used"),
                                      HasSubstr("class 7, allowed is 0 to 2")));
  options.num_classes = 0;
  options.filter.single_class = true;
  EXPECT_EQ(DatasetIndex::Build(options).size(), 4U);
  options.sources = {(dir_.path() / "none").string()};
  EXPECT_THAT(ErrorOf(options), HasSubstr("does not exist"));
}

TEST_F(DatasetIndexTest, FractionTakesTheFirstOfTheSortedList) {
  const SyntheticDataset set(dir_.path(), {.train_images = 10});
  DatasetIndexOptions options = Options(set);
  options.fraction.ratio = 0.25;  // 2.5 images: to even.
  EXPECT_EQ(DatasetIndex::Build(options).size(), 2U);
  options.fraction.ratio = 0.01;
  EXPECT_EQ(DatasetIndex::Build(options).size(), 1U);
  options.fraction.count = 7;
  const DatasetIndex index = DatasetIndex::Build(options);
  EXPECT_EQ(index.size(), 7U);
  EXPECT_EQ(index.ImagePath(6), set.image_paths("train")[6].string());
  options.fraction.count = 700;
  EXPECT_EQ(DatasetIndex::Build(options).size(), 10U);
}

TEST_F(DatasetIndexTest, SingleClsAddsNoByte) {
  const SyntheticDataset set(dir_.path(), {.train_images = 30});
  DatasetIndexOptions options = Options(set);
  const Bytes plain = DatasetIndex::Build(options).NumBytes();
  options.filter.single_class = true;
  options.num_classes = 0;
  EXPECT_EQ(DatasetIndex::Build(options).NumBytes(), plain);
}

TEST_F(DatasetIndexTest, TheBudgetIsChargedWithWhatIsHeld) {
  const SyntheticDataset set(dir_.path(), {.train_images = 30});
  DatasetIndexOptions options = Options(set);
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(1), "a test", ledger);
  options.budget = &budget;
  {
    const DatasetIndex index = DatasetIndex::Build(options);
    EXPECT_EQ(budget.used(), index.NumBytes());
    EXPECT_EQ(ledger.Read().row(MemoryTag::kLabels).now, index.NumBytes());
  }
  EXPECT_EQ(budget.used(), Bytes());
  budget.SetLimit(Bytes(100), "a test");
  EXPECT_THROW((void)DatasetIndex::Build(options), BudgetError);
}

TEST_F(DatasetIndexTest, AStopEndsTheScan) {
  const SyntheticDataset set(dir_.path(), {.train_images = 4});
  DatasetIndexOptions options = Options(set);
  std::stop_source source;
  options.stop = source.get_token();
  source.request_stop();
  EXPECT_THROW((void)DatasetIndex::Build(options), Error);
}

TEST_F(DatasetIndexTest, DecodeNeedIsThatOfTheHungriestImage) {
  const SyntheticDataset set(dir_.path(), {.train_images = 3, .height = 960, .width = 1280});
  const DatasetIndex index = DatasetIndex::Build(Options(set));
  const Bytes full = index.EstimateDecode(0).row(MemoryTag::kDecode).bytes;
  Image image;
  ImageDecoder decoder;
  for (std::size_t i = 0; i < index.size(); ++i) {
    ASSERT_TRUE(decoder.Decode(index.ImagePath(i), {}, &image).ok());
  }
  const Bytes measured = decoder.NumBytes() + image.NumBytes();
  EXPECT_LE(measured, full);
  EXPECT_GE(measured.count() * 4 / 3, full.count());
  EXPECT_LT(index.EstimateDecode(160).Total(), Scale(full, 0.4));
}

TEST_F(DatasetIndexTest, ThePictureThatAsksForMostIsNamed) {
  const SyntheticDataset set(dir_.path(), {.train_images = 3});
  const auto pixels = testing::SyntheticPixels(300, 400, 1);
  const auto path = set.images("train") / "large.png";
  testing::WriteBytes(path, testing::EncodeImage(pixels, 300, 400, "png"));
  const DatasetIndex index = DatasetIndex::Build(Options(set));
  const std::string text = ExplainDecode(index, 32);
  EXPECT_THAT(text, HasSubstr(path.string() + " (PNG, 400x300 px)"));
}

TEST_F(DatasetIndexTest, APictureThatMustBeDecodedToBeCheckedComesOutOfTheBudget) {
  const SyntheticDataset set(dir_.path(), {.train_images = 2});
  auto file = testing::EncodeImage(testing::SyntheticPixels(900, 1200, 1), 900, 1200, "jpg",
                                   {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
  file.resize(file.size() - 2);  // Without its end marker.
  testing::WriteBytes(set.images("train") / "open.jpg", file);
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(1), "memory=1M", ledger);
  DatasetIndexOptions options = Options(set);
  options.budget = &budget;
  try {
    (void)DatasetIndex::Build(options);
    FAIL() << "it fits";
  } catch (const BudgetError& error) {
    EXPECT_THAT(error.what(), HasSubstr("open.jpg (1200x900 px) cannot be checked"));
  }
  EXPECT_EQ(budget.used(), Bytes());
  budget.SetLimit(Bytes::MiB(100), "memory=100M");
  EXPECT_EQ(DatasetIndex::Build(options).size(), 3U);
}

TEST_F(DatasetIndexTest, TheEstimateIsNotLessThanWhatIsHeldAndNotMuchMore) {
  const SyntheticDataset set(dir_.path(), {.train_images = 100, .height = 16, .width = 16});
  const DatasetIndex index = DatasetIndex::Build(Options(set));
  DatasetIndexSize size;
  size.labels = {
      .images = 100, .boxes = index.table().box_count(), .max_class = 2, .polygon_floats = 0};
  const Bytes estimate = EstimateMemory(size).Total();
  EXPECT_LE(index.NumBytes(), estimate);
  EXPECT_GE(index.NumBytes().count() * 4 / 3, estimate.count());
}

TEST_F(DatasetIndexTest, PolygonsReachTheTable) {
  const SyntheticDataset set(dir_.path(), {.train_images = 5, .polygons = true});
  const DatasetIndex index = DatasetIndex::Build(Options(set));
  ASSERT_TRUE(index.table().has_polygons());
  EXPECT_EQ(index.table().polygon(0).size(), 8U);
  WriteText(set.labels("train") / "image000001.txt", "0 .5 .5 .1 .1\n");
  const DatasetIndex mixed = DatasetIndex::Build(Options(set));
  EXPECT_FALSE(mixed.table().has_polygons());
  EXPECT_THAT(mixed.messages(), Contains(HasSubstr("polygons are not used")));
}

}  // namespace
}  // namespace headroom
