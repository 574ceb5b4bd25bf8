// SPDX-License-Identifier: Apache-2.0
#include "headroom/evaluate/validation.h"

#include "headroom/core/error.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace headroom {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

// Finds one box in every picture, which depends on the picture's pixels alone.
class PixelDetector : public Detector {
 public:
  explicit PixelDetector(bool fixed) {
    facts_.fixed_size = fixed;
    facts_.batch = 3;
    facts_.image_size = {64, 64};
    facts_.names = {"a", "b", "c"};
  }
  [[nodiscard]] const DetectorFacts& facts() const override { return facts_; }
  std::span<std::uint8_t> Prepare(int images, ImageSize size) override {
    if (images > most) throw BudgetError("activations asked for too much");
    images_.push_back(images);
    sizes.push_back(size);
    pixels_.assign(static_cast<std::size_t>(images) * size.PixelBytes().count(), 0);
    return pixels_;
  }
  void Run() override {}
  std::span<const Detection> Detections(int image) override {
    const std::size_t bytes = sizes.back().PixelBytes().count();
    const auto first = pixels_.begin() + static_cast<std::ptrdiff_t>(bytes) * image;
    const auto sum = std::accumulate(first, first + static_cast<std::ptrdiff_t>(bytes), 0U);
    found_ = {{{0, 0, 20 + static_cast<float>(sum % 30), 30},
               static_cast<float>(sum % 97) / 97,
               static_cast<std::int32_t>(sum % 3)}};
    return found_;
  }
  // Images of each run.
  [[nodiscard]] std::vector<int> Runs() const { return images_; }

  int most = 1000;
  std::vector<ImageSize> sizes;

 private:
  DetectorFacts facts_;
  std::vector<int> images_;
  std::vector<std::uint8_t> pixels_;
  std::vector<Detection> found_;
};

class ValidationTest : public ::testing::Test {
 protected:
  static constexpr int kImages = 10;

  // What was found in which image, every image once.
  using Found = std::map<std::uint32_t, Detection>;
  static DetectedImage Note(Found* found) {
    return [found](std::uint32_t image, std::span<const Detection> detections, const Sample&) {
      EXPECT_TRUE(found->emplace(image, detections.front()).second) << image;
    };
  }
  [[nodiscard]] const DatasetIndex& index() const { return index_; }

 private:
  testing::TempDir dir_;
  testing::SyntheticDataset data_{dir_.path(), {.train_images = 1, .val_images = kImages}};
  DatasetIndex index_ = DatasetIndex::Build({.split = "val",
                                             .sources = {data_.images("val").string()},
                                             .num_classes = 3,
                                             .use_cache = false,
                                             .threads = 1});
};

TEST_F(ValidationTest, RunsTheBatchThatIsAskedForInRectangles) {
  PixelDetector detector(false);
  (void)Validate(detector, index(), {.image_size = 320, .batch = 4}, {}, nullptr);
  EXPECT_EQ(detector.Runs(), (std::vector{4, 4, 2}));
  EXPECT_THAT(detector.sizes, Each(ImageSize{256, 352}));  // 3 to 4, and half a stride.
}

TEST_F(ValidationTest, TakesSquaresWithoutRect) {
  PixelDetector detector(false);
  (void)Validate(detector, index(), {.image_size = 320, .rect = false}, {}, nullptr);
  EXPECT_EQ(detector.Runs(), std::vector{kImages});
  EXPECT_THAT(detector.sizes, Each(ImageSize{320, 320}));
}

TEST_F(ValidationTest, AFixedSizeWinsOverWhatIsAskedFor) {
  PixelDetector detector(true);
  (void)Validate(detector, index(), {.image_size = 320, .batch = 8}, {}, nullptr);
  EXPECT_EQ(detector.Runs(), (std::vector{3, 3, 3, 1}));
  EXPECT_THAT(detector.sizes, Each(ImageSize{64, 64}));
}

TEST_F(ValidationTest, FindsTheSameInSmallerPiecesWhenMemoryIsRefused) {
  const ValidationOptions options = {.image_size = 64, .workers = 2};
  PixelDetector free(false);
  Found expected;
  const Validation all = Validate(free, index(), options, {.on_image = Note(&expected)}, nullptr);
  ASSERT_EQ(expected.size(), std::size_t{kImages});
  PixelDetector tight(false);
  tight.most = 3;
  Found found;
  int refused = 0;
  const ValidationEvents events = {.on_image = Note(&found),
                                   .on_out_of_memory = [&](const std::string& what, int) {
                                     EXPECT_THAT(what, HasSubstr("activations"));
                                     ++refused;
                                     return true;
                                   }};
  const Validation pieces = Validate(tight, index(), options, events, nullptr);
  EXPECT_EQ(tight.Runs(), (std::vector{3, 3, 3, 1}));  // 10, 10 again, 5, then 3.
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(found, expected);
  EXPECT_EQ(pieces.metrics.map50, all.metrics.map50);
  EXPECT_EQ(pieces.metrics.map50_95, all.metrics.map50_95);
}

TEST_F(ValidationTest, EndsWhenNothingSmallerIsLeft) {
  for (const bool fixed : {false, true}) {
    PixelDetector detector(fixed);
    detector.most = 0;
    int asked = 0;
    const ValidationEvents events = {.on_out_of_memory = [&](const std::string&, int) {
      ++asked;
      return true;
    }};
    EXPECT_THROW(
        (void)Validate(detector, index(), {.image_size = 64, .workers = 2}, events, nullptr),
        BudgetError);
    EXPECT_LT(asked, 10);
    EXPECT_THROW((void)Validate(detector, index(), {.image_size = 64, .workers = 2}, {}, nullptr),
                 BudgetError);
  }
}

TEST_F(ValidationTest, ReservesItsRecords) {
  PixelDetector detector(false);
  const ValidationOptions options = {.image_size = 64, .max_detections = 500};
  const Bytes records = EstimateMemory(options, index(), 3).Total();
  EXPECT_GE(records, Bytes::Of(kImages * 500, 8));
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(64), "test", ledger);
  Bytes held;
  const ValidationEvents events = {.on_progress = [&](std::int64_t, std::int64_t) {
    held = ledger.Read().row(MemoryTag::kValidation).now;
  }};
  (void)Validate(detector, index(), options, events, &budget);
  EXPECT_EQ(held, records);
  EXPECT_EQ(budget.used(), Bytes());
}

TEST_F(ValidationTest, TriesAgainWhenTheBudgetRefusesOnce) {
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(64), "test", ledger);
  for (std::uint64_t k = 1; k <= 4; ++k) {
    PixelDetector detector(false);
    Found found;
    int refused = 0;
    const ValidationEvents events = {.on_image = Note(&found),
                                     .on_out_of_memory = [&](const std::string&, int) {
                                       ++refused;
                                       return true;
                                     }};
    budget.FailAfter(k);
    (void)Validate(detector, index(), {.image_size = 64}, events, &budget);
    budget.FailAfter(0);
    EXPECT_LE(refused, 1);
    EXPECT_EQ(found.size(), std::size_t{kImages});
  }
}

TEST_F(ValidationTest, DoesNotCountWhatItsReceiverDoes) {
  PixelDetector detector(false);
  double received_ms = 0;
  const DetectedImage receive = [&](std::uint32_t, std::span<const Detection>, const Sample&) {
    const auto start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));  // It draws.
    received_ms +=
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  };
  const Validation result =
      Validate(detector, index(), {.image_size = 64}, {.on_image = receive}, nullptr);
  EXPECT_LT(result.speed.postprocess_ms * kImages, received_ms);
}

TEST_F(ValidationTest, StopsBetweenBatches) {
  PixelDetector detector(false);
  const ValidationEvents events = {.stop = [] { return true; }};
  try {
    (void)Validate(detector, index(), {.image_size = 64, .batch = 4}, events, nullptr);
    FAIL() << "it went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kInterrupted);
  }
  EXPECT_EQ(detector.Runs(), std::vector{4});
}

}  // namespace
}  // namespace headroom
