// SPDX-License-Identifier: Apache-2.0
// Drawing inside the memory budget: what is drawn when, and what gives way.
#include "headroom/core/file.h"
#include "headroom/memory/ledger.h"
#include "headroom/memory/reservation.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"
#include "headroom/train/plot_observer.h"
#include "headroom/train/run_setup.h"
#include "headroom/train/run_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace headroom {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::SyntheticDataset;
using testing::TempDir;

namespace fs = std::filesystem;

constexpr int kSide = 64;

struct Messages : TrainObserver {
  void OnMessage(const std::string& text) override { all += text + "\n"; }
  std::string all;
};

// Counts how often it is asked for its memory.
struct AskedHolder : Reclaimable {
  [[nodiscard]] std::string_view name() const override { return "a cache"; }
  [[nodiscard]] ReclaimOrder order() const override { return ReclaimOrder::kImageCache; }
  Bytes Release(Bytes /*wanted*/, ReclaimTime /*time*/) override {
    ++asked;
    return {};
  }
  int asked = 0;
};

// A run of three epochs of which only the events are real.
class PlotsTest : public ::testing::Test {
 protected:
  static constexpr int kEpochs = 3;

  PlotsTest()
      : data_(dir_.path() / "data", {.height = kSide, .width = kSide}),
        typed_({{"data", OptionValue(data_.yaml().string())},
                {"epochs", OptionValue(std::int64_t{kEpochs})},
                {"close_mosaic", OptionValue(std::int64_t{1})}}),
        options_(Options::From(OptionSet(typed_), typed_)),
        config_(ReadDatasetYaml(options_.data, dir_.path())),
        names_(ClassNames(config_, false)),
        train_(BuildIndex(config_, "train", options_, nullptr)),
        val_(BuildIndex(config_, "val", options_, nullptr)),
        folder_(dir_.path() / "run"),
        pixels_(3 * kSide * kSide, 128) {
    fs::create_directory(folder_);
    std::ofstream(folder_ / "results.csv")
        << "epoch,train/box_loss,metrics/mAP50-95(B)\n1,3,0.1\n2,2,0.2\n";
    std::ofstream(folder_ / "memory.csv")
        << "time_s,rss_mb,budget_mb,other_mb,plots_mb\n0,100,500,1,0\n1,120,500,1,30\n";
    budget_.Register(cache_);
  }
  ~PlotsTest() override { budget_.Unregister(cache_); }

  void Start() {
    observer_.OnRunStart({folder_, &options_, names_, &train_, &val_, {"workers 4 -> 2"}});
  }

  [[nodiscard]] Sample PictureOfNoImage() const {
    return {.pixels = pixels_,
            .height = kSide,
            .width = kSide,
            .labels = {},
            .image_index = 0,
            .geometry = {}};
  }

  // One batch as the trainer shows it.
  void ShowBatch(int epoch, std::int64_t iteration) {
    if (!observer_.WantsPictures(epoch, iteration)) return;
    const Sample sample = PictureOfNoImage();
    const std::vector<const Sample*> samples(4, &sample);
    observer_.OnBatchPictures({epoch, iteration, samples});
  }

  void ShowValidation(int batches) {
    const Sample sample = PictureOfNoImage();
    for (int batch = 0; batch < batches; ++batch) {
      for (int place = 0; place < 2; ++place)
        observer_.OnValidatedPicture({batch, place, 2, &sample, {}});
    }
    observer_.OnValidationEnd({DetectionMetrics{}, ConfusionMatrix({.class_count = 3})});
  }

  [[nodiscard]] bool Exists(const std::string& file) const { return fs::exists(folder_ / file); }

  TempDir dir_;
  SyntheticDataset data_;
  std::vector<Override> typed_;
  Options options_;
  DatasetConfig config_;
  std::vector<std::string> names_;
  DatasetIndex train_;
  DatasetIndex val_;
  fs::path folder_;
  std::vector<std::uint8_t> pixels_;
  Ledger ledger_;
  Budget budget_{MemoryPlace::kHost, Bytes::GiB(1), "a test", ledger_};
  AskedHolder cache_;
  Messages messages_;
  PlotObserver observer_{budget_, messages_};
};

TEST_F(PlotsTest, DrawsThreeBatchesAtTheStartAndThreeWithoutMosaic) {
  Start();
  constexpr int kBatches = 5;
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    observer_.OnEpochStart(epoch, {});
    for (int k = 0; k < kBatches; ++k) ShowBatch(epoch, epoch * kBatches + k);
  }
  for (const int drawn : {0, 1, 2, 10, 11, 12})
    EXPECT_TRUE(Exists("train_batch" + std::to_string(drawn) + ".jpg")) << drawn;
  for (const int not_drawn : {3, 9, 13})
    EXPECT_FALSE(Exists("train_batch" + std::to_string(not_drawn) + ".jpg")) << not_drawn;
  ShowValidation(4);
  EXPECT_TRUE(Exists("val_batch2_pred.jpg"));
  EXPECT_FALSE(Exists("val_batch3_pred.jpg"));
  observer_.OnRunEnd("peak 120 MiB");
  for (const char* file : {"labels.jpg", "results.png", "memory.png", "confusion_matrix.png",
                           "confusion_matrix_normalized.png", "report.html"})
    EXPECT_TRUE(Exists(file)) << file;
  EXPECT_EQ(messages_.all, "");
  EXPECT_EQ(budget_.ledger().Read().row(MemoryTag::kPlots).now,
            EstimateValidationChartsMemory(names_.size()).Total());
}

TEST_F(PlotsTest, UnderPressureNobodyIsAskedAndPicturesComeWhenThereIsRoom) {
  budget_.SetLimit(Bytes::MiB(3), "pressure");
  Start();
  ShowBatch(0, 0);
  ShowBatch(0, 1);
  EXPECT_FALSE(Exists("labels.jpg"));
  EXPECT_FALSE(Exists("train_batch0.jpg"));
  EXPECT_EQ(cache_.asked, 0);
  // Said once.
  EXPECT_THAT(messages_.all, HasSubstr("Plots wait until there is room: labels.jpg needs"));
  EXPECT_EQ(std::count(messages_.all.begin(), messages_.all.end(), '\n'), 1) << messages_.all;
  budget_.SetLimit(Bytes::GiB(1), "relief");
  for (int k = 2; k < 8; ++k) ShowBatch(0, k);
  for (const int drawn : {2, 3, 4})
    EXPECT_TRUE(Exists("train_batch" + std::to_string(drawn) + ".jpg"));
  EXPECT_FALSE(Exists("train_batch5.jpg"));
  EXPECT_FALSE(Exists("labels.jpg"));
  ShowValidation(1);
  observer_.OnRunEnd("");
  EXPECT_TRUE(Exists("labels.jpg"));
  EXPECT_TRUE(Exists("report.html"));
}

TEST_F(PlotsTest, WhatNeverFindsRoomIsNamedInOneLineAndTheRunGoesOn) {
  budget_.SetLimit(Bytes::KiB(16), "pressure");
  Start();
  for (int k = 0; k < 4; ++k) ShowBatch(0, k);
  observer_.OnEpochStart(1, {});
  ShowBatch(1, 4);
  ShowValidation(2);
  messages_.all.clear();
  observer_.OnRunEnd("");
  EXPECT_THAT(messages_.all, HasSubstr("WARNING not drawn for lack of memory: 3 train_batch, "
                                       "val_batch0, val_batch1, curves and confusion matrices, "
                                       "labels.jpg, results.png, memory.png, report.html"));
  EXPECT_EQ(std::count(messages_.all.begin(), messages_.all.end(), '\n'), 1) << messages_.all;
  EXPECT_EQ(budget_.used(), Bytes());
}

TEST_F(PlotsTest, AFullDiskIsSaidAndDoesNotEndTheRun) {
  Start();
  fs::remove_all(folder_);
  ShowBatch(0, 0);
  EXPECT_THAT(messages_.all, HasSubstr("WARNING train_batch0.jpg is not drawn: "));
  ShowValidation(1);
  observer_.OnRunEnd("");
  EXPECT_THAT(messages_.all, HasSubstr("WARNING results.png is not drawn: "));
}

TEST_F(PlotsTest, TheReportTellsEveryAdaptation) {
  Start();
  observer_.OnEpochStart(0, {});
  observer_.OnAdaptation("Memory: others took 2 GiB; budget 4 GiB -> 2 GiB.");
  ShowValidation(1);
  observer_.OnRunEnd("peak 120 MiB");
  const std::string page = *ReadFile(folder_ / "report.html");
  EXPECT_THAT(page, HasSubstr("<td>Memory: others took 2 GiB; budget 4 GiB -&gt; 2 GiB.</td>"));
  EXPECT_THAT(page, HasSubstr("<td>workers 4 -&gt; 2</td>"));
  EXPECT_THAT(page, Not(HasSubstr("The plan held")));
  EXPECT_THAT(page, HasSubstr("peak 120 MiB"));
}

TEST(RunHistory, AResumedRunKnowsOfTheActsBeforeIt) {
  const testing::TempDir dir;
  const fs::path file = dir.path() / "adaptations.log";
  {
    RunHistory history;
    history.Start(file, false);
    history.Add("Memory: others took 2 GiB\nworkers 4 -> 2");
    history.Add("Memory: 2 GiB free again");
  }
  RunHistory resumed;
  resumed.Start(file, true);
  resumed.Add("workers 2 -> 1");
  ASSERT_EQ(resumed.earlier().size(), 2U);
  EXPECT_EQ(resumed.earlier()[0].text, "Memory: others took 2 GiB workers 4 -> 2");
  EXPECT_EQ(resumed.adaptations().size(), 1U);
  RunHistory third;
  third.Start(file, true);
  EXPECT_EQ(third.earlier().size(), 3U);
  RunHistory anew;
  anew.Start(file, false);
  EXPECT_TRUE(anew.earlier().empty());
  EXPECT_FALSE(fs::exists(file));
}

TEST(RunTables, AResumedRunGoesOnWhereTheOneBeforeStood) {
  NumberTable table{{"time_s", "rss_mb", "budget_mb", "other_mb"}, {}};
  for (const double second : {0.0, 1.0, 2.0, 0.0, 1.0}) table.rows.push_back({second, 10, 20, 1});
  RunHistory history;
  const testing::TempDir dir;
  history.Start(dir.path() / "adaptations.log", false);
  history.Enter("training");
  history.Enter("training");
  history.Enter("validation");
  history.Add("workers 2 -> 1");
  const MemoryTimeline timeline = TimelineOf(table, history);
  EXPECT_THAT(timeline.seconds, ::testing::ElementsAre(0, 1, 2, 2, 3));
  ASSERT_EQ(timeline.phases.size(), 2U);
  EXPECT_GE(timeline.phases[0].begin_s, 2);
  EXPECT_EQ(timeline.phases[0].end_s, timeline.phases[1].begin_s);
  EXPECT_GE(timeline.adaptations[0].second, 2);
}

}  // namespace
}  // namespace headroom
