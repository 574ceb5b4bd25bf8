// SPDX-License-Identifier: Apache-2.0
// What single options do to a whole run, and what is left of them when it is resumed.
#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/version.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"
#include "headroom/testing/tiny_model.h"
#include "headroom/train/checkpoint.h"
#include "headroom/train/run_setup.h"
#include "headroom/train/short_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Outcome;
using testing::ShortRun;
using testing::SyntheticDataset;
using testing::TempDir;

namespace fs = std::filesystem;

OptionValue Count(std::int64_t value) { return OptionValue(value); }

// 16 images to train with, 8 to validate: two batches of 8 an epoch.
class RunOptions : public ::testing::Test {
 protected:
  RunOptions() {
    WriteFileAtomic(dir_.path() / "tiny.yaml",
                    [](FileWriter& writer) { writer.Write(testing::kTinyModelYaml); });
  }

  [[nodiscard]] ShortRun Run(std::vector<Override> typed) const {
    typed.push_back({"model", OptionValue((dir_.path() / "tiny.yaml").string())});
    typed.push_back({"data", OptionValue(data_.yaml().string())});
    return {.runs = dir_.path() / "runs", .typed = std::move(typed)};
  }
  // Goes on from a copy of `last` in a folder of its own.
  [[nodiscard]] ShortRun Resume(const fs::path& last, std::vector<Override> typed) const {
    const fs::path weights = dir_.path() / "resumed" / "weights";
    fs::create_directories(weights);
    fs::copy_file(last, weights / "last.pt", fs::copy_options::overwrite_existing);
    typed.push_back({"resume", OptionValue((weights / "last.pt").string())});
    return Run(std::move(typed));
  }
  // Trains until an epoch (from 0) has ended, and keeps its last.pt as a kill there leaves it.
  [[nodiscard]] fs::path LastAfter(int epoch, std::vector<Override> typed) const {
    const fs::path kept = dir_.path() / "kept.pt";
    ShortRun run = Run(std::move(typed));
    run.typed.push_back({"name", OptionValue("killed")});
    run.typed.push_back({"exist_ok", OptionValue(true)});
    bool ended = false;
    run.after_epoch = [&](const EpochEvent& event) {
      if (event.epoch != epoch) return;
      fs::copy_file(run.runs / "killed" / "weights" / "last.pt", kept,
                    fs::copy_options::overwrite_existing);
      ended = true;
    };
    run.stop = [&] { return ended; };
    (void)Train(run);
    return kept;
  }
  [[nodiscard]] static std::set<std::string> Weights(const fs::path& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder / "weights"))
      names.insert(entry.path().filename().string());
    return names;
  }

  TempDir dir_;
  SyntheticDataset data_{dir_.path() / "data",
                         {.train_images = 16, .val_images = 8, .height = 64, .width = 64}};
};

TEST_F(RunOptions, SavePeriodCountsEpochsFromZero) {
  const Outcome run = Train(Run({{"epochs", Count(4)}, {"save_period", Count(2)}}));
  EXPECT_THAT(Weights(run.outcome.folder),
              ElementsAre("best.pt", "epoch0.pt", "epoch2.pt", "last.pt"));
}

TEST_F(RunOptions, EveryCheckpointSaysWhichVersionWroteIt) {
  const Outcome run = Train(Run({{"epochs", Count(1)}, {"save_period", Count(1)}}));
  for (const char* name : {"best.pt", "epoch0.pt", "last.pt"}) {
    const auto file = ReadCheckpoint(run.outcome.folder / "weights" / name);
    ASSERT_TRUE(file.ok() && file->headroom != nullptr) << name;
    const PickleNode* version = file->headroom->Find("version");
    ASSERT_TRUE(version != nullptr && version->Text() != nullptr) << name;
    EXPECT_EQ(*version->Text(), kProgramVersion) << name;
  }
}

TEST_F(RunOptions, ACopyThatAKillPreventedIsMadeUpForUnderItsOwnName) {
  const fs::path last = LastAfter(0, {{"epochs", Count(2)}});
  const Outcome run = Train(Resume(last, {{"epochs", Count(2)}, {"save_period", Count(1)}}));
  EXPECT_THAT(Weights(run.outcome.folder),
              ElementsAre("best.pt", "epoch0.pt", "epoch1.pt", "last.pt"));
  EXPECT_EQ(ReadCheckpoint(run.outcome.folder / "weights" / "epoch0.pt")->epoch, 0);
}

TEST_F(RunOptions, ARunResumedWithAnotherBatchGoesOnAtTheSameImageAndStepsOn) {
  ShortRun first = Run({{"epochs", Count(2)}});
  int batches = 0;
  first.stop = [&] { return ++batches == 3; };  // The first batch of the second epoch.
  const Outcome stopped = Train(first);
  ASSERT_TRUE(stopped.outcome.interrupted);
  const fs::path last = stopped.outcome.folder / "weights" / "last.pt";
  const Outcome run = Train(Resume(last, {{"epochs", Count(2)}, {"batch", Count(4)}}));
  EXPECT_THAT(run.recorder.messages, HasSubstr("batch=4 (it was 8): going on at batch 2 of 4"));
  ASSERT_EQ(run.recorder.epochs.size(), 1U);
  EXPECT_EQ(run.recorder.epochs[0].epoch, 1);
}

TEST_F(RunOptions, AShareOfTheMemoryIsNotChosenAnewByAResumedRun) {
  ShortRun first = Run({{"epochs", Count(2)}});
  first.stop = [] { return true; };
  const Outcome stopped = Train(first);
  ShortRun second = Resume(stopped.outcome.folder / "weights" / "last.pt", {{"epochs", Count(2)}});
  second.untyped = {{"batch", OptionValue(0.5)}};
  const Outcome run = Train(second);
  EXPECT_THAT(run.recorder.messages, Not(HasSubstr("of the budget")));
  EXPECT_EQ(BatchOf(*ReadCheckpoint(stopped.outcome.folder / "weights" / "last.pt")), 8);
  EXPECT_EQ(run.recorder.epochs.size(), 2U);
}

// Whichever the processor means by True, the run began with one of the two.
TEST_F(RunOptions, AResumedRunKeepsItsPrecisionUnlessAnotherIsTyped) {
  for (const char* precision : {"bf16", "fp32"}) {
    ShortRun first = Run({{"epochs", Count(2)}, {"amp", OptionValue(precision)}});
    first.stop = [] { return true; };
    const fs::path last = Train(first).outcome.folder / "weights" / "last.pt";
    ShortRun second = Resume(last, {{"epochs", Count(2)}});
    second.untyped = {{"amp", OptionValue(true)}};  // As where it was resolved from True.
    second.stop = [] { return true; };
    const fs::path folder = Train(second).outcome.folder;
    EXPECT_THAT(*ReadFile(folder / "headroom.yaml"),
                HasSubstr(std::string("precision: ") + precision));
    const auto file = ReadCheckpoint(folder / "weights" / "last.pt");
    EXPECT_EQ(PrecisionOf(*file), ParsePrecision(precision));
    EXPECT_EQ(OptionsOf(*file).Get("amp"), OptionValue(true));
    const char* other = std::string(precision) == "bf16" ? "fp32" : "bf16";
    ShortRun third = Resume(last, {{"epochs", Count(2)}, {"amp", OptionValue(other)}});
    third.stop = [] { return true; };
    EXPECT_THAT(*ReadFile(Train(third).outcome.folder / "headroom.yaml"),
                HasSubstr(std::string("precision: ") + other));
  }
}

TEST_F(RunOptions, TimeEndsARunAfterItsEpoch) {
  const Outcome run = Train(Run({{"epochs", Count(5)}, {"time", OptionValue(1e-7)}}));
  EXPECT_EQ(run.recorder.epochs.size(), 1U);
  EXPECT_FALSE(run.outcome.interrupted);
}

TEST_F(RunOptions, AResumedRunWithTimeLeftTrainsAsManyEpochsAsItHadEstimated) {
  const fs::path last = LastAfter(1, {{"epochs", Count(2)}, {"time", OptionValue(1.0)}});
  ShortRun second = Resume(last, {{"epochs", Count(2)}});
  second.untyped = {{"time", OptionValue(1.0)}};
  second.stop = [] { return true; };
  const Outcome run = Train(second);
  EXPECT_THAT(run.recorder.messages, HasSubstr("Starting training for"));
  EXPECT_THAT(run.recorder.messages, Not(HasSubstr("All epochs were trained")));
  EXPECT_TRUE(run.outcome.interrupted);
}

TEST_F(RunOptions, WithoutSavingTheEndIsKept) {
  const Outcome run = Train(Run({{"epochs", Count(2)}, {"save", OptionValue(false)}}));
  EXPECT_THAT(Weights(run.outcome.folder), ::testing::Contains("last.pt"));
  EXPECT_THAT(run.recorder.messages, HasSubstr("Train on with"));
}

TEST_F(RunOptions, ARunWhoseOptimizerWasChosenContinuesExactly) {
  // A step every batch: with another momentum the second epoch would differ.
  const std::vector<Override> options = {{"epochs", Count(2)}, {"nbs", Count(8)}};
  const Outcome whole = Train(Run(options));
  const fs::path last = LastAfter(0, options);
  ShortRun rest = Resume(last, {});
  // As the command reads them from the file.
  for (const char* name : {"epochs", "nbs", "optimizer", "lr0", "warmup_bias_lr"})
    rest.typed.push_back({name, OptionsOf(*ReadCheckpoint(last)).Get(name)});
  const Outcome run = Train(rest);
  ASSERT_EQ(run.recorder.epochs.size(), 1U);
  EXPECT_EQ(run.recorder.epochs[0].train_items, whole.recorder.epochs[1].train_items);
  EXPECT_EQ(run.recorder.epochs[0].val_items, whole.recorder.epochs[1].val_items);
}

TEST_F(RunOptions, AModelThatIsNotThereIsSaidBeforeTheDataAreRead) {
  const fs::path cache = data_.yaml().parent_path() / "labels" / "train.headroom";
  ShortRun run = Run({});
  (void)Train(run);
  ASSERT_TRUE(fs::remove(cache));  // What reading the data leaves.
  run.typed.push_back({"model", OptionValue("nowhere.yaml")});
  EXPECT_THROW((void)Train(run), ConfigError);
  EXPECT_FALSE(fs::exists(cache));
}

TEST_F(RunOptions, FractionNamesASharePerSplit) {
  const Outcome run = Train(
      Run({{"fraction", OptionValue(OptionValue::List{OptionValue(0.5), OptionValue(0.25)})}}));
  EXPECT_THAT(run.recorder.messages, HasSubstr("Using 8 train, 2 val images"));
}

TEST_F(RunOptions, CachesChangeNoResultAndAreInThePlan) {
  const auto losses = [](const Outcome& run) {
    std::vector<double> items;
    for (const EpochEvent& epoch : run.recorder.epochs)
      items.insert(items.end(), epoch.train_items.begin(), epoch.train_items.end());
    return items;
  };
  const std::vector<double> expected = losses(Train(Run({{"epochs", Count(2)}})));
  for (const auto& [cache, row] : {std::pair<const char*, const char*>{"ram", "image cache"},
                                   {"disk", "table of the disk cache"}}) {
    const Outcome run = Train(Run({{"epochs", Count(2)}, {"cache", OptionValue(cache)}}));
    EXPECT_EQ(losses(run), expected) << cache;
    EXPECT_THAT(run.recorder.messages, HasSubstr(std::string("cache=") + cache));
    EXPECT_THAT(*ReadFile(run.outcome.folder / "memory_plan.json"), HasSubstr(row));
  }
}

TEST_F(RunOptions, ResultsThatCannotBeWrittenDoNotEndTheRun) {
  ShortRun taken =
      Run({{"epochs", Count(2)}, {"name", OptionValue("taken")}, {"exist_ok", OptionValue(true)}});
  const fs::path results = taken.runs / "taken" / "results.csv";
  taken.after_epoch = [&](const EpochEvent&) {
    if (fs::is_directory(results)) return;
    fs::remove(results);
    fs::create_directories(results / "in the way");
  };
  const Outcome run = Train(taken);
  EXPECT_EQ(run.recorder.epochs.size(), 2U);
  EXPECT_TRUE(run.outcome.cannot_write);
  EXPECT_THAT(run.recorder.messages, HasSubstr("results.csv"));
  EXPECT_THAT(Weights(run.outcome.folder), ElementsAre("best.pt", "last.pt"));
  // What is known before is said before.
  EXPECT_THROW((void)Train(taken), WriteError);
}

}  // namespace
}  // namespace headroom
