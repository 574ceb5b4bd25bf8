// SPDX-License-Identifier: Apache-2.0
// Where a resumed run writes, who may write there, and what is tried before it trains.
#include "headroom/config/run_folder.h"
#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"
#include "headroom/testing/tiny_model.h"
#include "headroom/train/short_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using testing::Outcome;
using testing::ShortRun;
using testing::SyntheticDataset;
using testing::TempDir;

std::set<std::string> NamesIn(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.insert(entry.path().filename().string());
  return names;
}

class RunResume : public ::testing::Test {
 protected:
  RunResume() { WriteFileAtomic(dir_.path() / "tiny.yaml", testing::kTinyModelYaml); }

  [[nodiscard]] ShortRun Run(std::vector<Override> typed) const {
    typed.push_back({"model", OptionValue((dir_.path() / "tiny.yaml").string())});
    typed.push_back({"data", OptionValue(data_.yaml().string())});
    typed.push_back({"epochs", OptionValue(std::int64_t{2})});
    return {.runs = dir_.path() / "runs", .typed = std::move(typed)};
  }

  // The last.pt of a run's first epoch, copied from its folder to another.
  [[nodiscard]] fs::path CopiedCheckpoint() const {
    fs::path copy = dir_.path() / "copied" / "server.pt";
    fs::create_directories(copy.parent_path());
    ShortRun run = Run({{"name", OptionValue("server")}});
    bool ended = false;
    run.after_epoch = [&](const EpochEvent&) {
      fs::copy_file(run.runs / "server" / "weights" / "last.pt", copy);
      ended = true;
    };
    run.stop = [&] { return ended; };
    (void)Train(run);
    return copy;
  }

  TempDir dir_;
  SyntheticDataset data_{dir_.path() / "data",
                         {.train_images = 16, .val_images = 8, .height = 64, .width = 64}};
};

TEST_F(RunResume, ACopiedCheckpointGoesOnInAFolderOfItsOwn) {
  const fs::path copy = CopiedCheckpoint();
  const std::string before = *ReadFile(copy);
  const std::set<std::string> around = NamesIn(dir_.path());
  const Outcome run =
      Train(Run({{"resume", OptionValue(copy.string())}, {"name", OptionValue("server")}}));
  ASSERT_EQ(run.recorder.epochs.size(), 1U);
  EXPECT_EQ(run.recorder.epochs[0].epoch, 1);
  EXPECT_FALSE(run.outcome.cannot_write);
  EXPECT_EQ(run.outcome.folder, dir_.path() / "runs" / "server-2");
  EXPECT_THAT(run.recorder.messages,
              AllOf(HasSubstr(copy.string() + " lies in no run's folder"), HasSubstr("server-2")));
  EXPECT_THAT(NamesIn(run.outcome.folder),
              IsSupersetOf({"args.yaml", "headroom.yaml", "results.csv", "weights"}));
  EXPECT_TRUE(fs::exists(run.outcome.folder / "weights" / "last.pt"));
  const std::string rows = *ReadFile(run.outcome.folder / "results.csv");
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 3) << rows;  // Both epochs.
  EXPECT_EQ(*ReadFile(copy), before);
  EXPECT_THAT(NamesIn(copy.parent_path()), ElementsAre("server.pt"));
  EXPECT_EQ(NamesIn(dir_.path()), around);
}

TEST_F(RunResume, ItsFolderGoesAgainWhereItCannotBegin) {
  const fs::path copy = CopiedCheckpoint();
  ShortRun run = Run({{"resume", OptionValue(copy.string())}, {"name", OptionValue("server")}});
  run.typed.push_back({"data", OptionValue("nowhere.yaml")});
  EXPECT_THROW((void)Train(run), ConfigError);
  EXPECT_FALSE(fs::exists(run.runs / "server-2"));
}

TEST_F(RunResume, AFolderThatIsWrittenToIsNotTaken) {
  const ShortRun run = Run({{"name", OptionValue("one")}, {"exist_ok", OptionValue(true)}});
  (void)Train(run);
  const fs::path folder = run.runs / "one";
  const std::string results = *ReadFile(folder / "results.csv");
  const auto held = LockRunFolder(folder, "");
  const auto refused = [&](const ShortRun& second) {
    try {
      (void)Train(second);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("it ran");
  };
  EXPECT_THAT(refused(run), AllOf(HasSubstr("still going on: process "), HasSubstr(" of host "),
                                  HasSubstr("since 2"), HasSubstr("another name=")));
  EXPECT_EQ(*ReadFile(folder / "results.csv"), results);
}

TEST_F(RunResume, WhatAKillLeftIsRemoved) {
  const ShortRun run = Run({{"name", OptionValue("one")}, {"exist_ok", OptionValue(true)}});
  fs::create_directories(run.runs / "one" / "weights");
  WriteFileAtomic(run.runs / "one" / "weights" / ".last.pt.12.4.tmp", "half");
  WriteFileAtomic(run.runs / "one" / ".results.csv.12.5.tmp", "half");
  WriteFileAtomic(run.runs / "one" / "weights" / ".mine.tmp", "not ours");
  const Outcome outcome = Train(run);
  EXPECT_THAT(outcome.recorder.messages, HasSubstr("Removed 2 unfinished files"));
  EXPECT_THAT(NamesIn(run.runs / "one" / "weights"),
              ElementsAre(".mine.tmp", "best.pt", "last.pt"));
  EXPECT_FALSE(fs::exists(run.runs / "one" / ".results.csv.12.5.tmp"));
  EXPECT_FALSE(fs::exists(run.runs / "one" / ".run.lock"));
}

}  // namespace
}  // namespace headroom
