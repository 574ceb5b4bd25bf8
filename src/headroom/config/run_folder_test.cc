// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/run_folder.h"

#include "headroom/config/help_text.h"
#include "headroom/config/settings.h"
#include "headroom/core/error.h"
#include "headroom/core/mutex.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(RunFolder, LiesWhereTheReferencePutsIt) {
  const testing::TempDir root;
  RunFolderRequest request{.runs_dir = root.path()};
  EXPECT_EQ(ChooseRunFolder(request), root.path() / "detect/train");
  request.mode = "val";
  EXPECT_EQ(ChooseRunFolder(request), root.path() / "detect/val");
  request.project = "foo/bar/";
  request.name = "z";
  EXPECT_EQ(ChooseRunFolder(request), root.path() / "detect/foo/bar/z");
  request.project = (root.path() / "abs").string();
  EXPECT_EQ(ChooseRunFolder(request), root.path() / "abs/z");
  request.project = "../up";
  EXPECT_EQ(ChooseRunFolder(request), root.path() / "up/z");
}

TEST(RunFolder, ATakenNameGetsTheNextNumber) {
  const testing::TempDir root;
  RunFolderRequest request{.runs_dir = root.path()};
  EXPECT_EQ(ClaimRunFolder(request, true), root.path() / "detect/train");
  EXPECT_TRUE(fs::is_directory(root.path() / "detect/train/weights"));
  EXPECT_EQ(ChooseRunFolder(request), root.path() / "detect/train-2");
  EXPECT_EQ(ClaimRunFolder(request, false), root.path() / "detect/train-2");
  EXPECT_EQ(ClaimRunFolder(request, false), root.path() / "detect/train-3");
  request.exist_ok = true;
  EXPECT_EQ(ClaimRunFolder(request, false), root.path() / "detect/train");
  EXPECT_EQ(ChooseRunFolder(request), root.path() / "detect/train");
}

TEST(RunFolder, RunsThatStartTogetherGetTheirOwn) {
  const testing::TempDir root;
  Mutex mutex;
  std::set<fs::path> folders;
  {
    std::vector<std::jthread> runs;
    for (int i = 0; i < 8; ++i) {
      runs.emplace_back([&] {
        const fs::path folder = ClaimRunFolder({.runs_dir = root.path()}, true);
        const MutexLock lock(mutex);
        folders.insert(folder);
      });
    }
  }
  EXPECT_EQ(folders.size(), 8U);
}

TEST(RunFolder, APlaceThatCannotBeWrittenIsAWriteError) {
  const testing::TempDir root;
  std::ofstream(root.path() / "file") << "x";
  try {
    (void)ClaimRunFolder(
        {.runs_dir = root.path(), .project = (root.path() / "file/below").string()}, true);
    FAIL();
  } catch (const WriteError& error) {
    EXPECT_EQ(error.code(), ExitCode::kCannotWrite);
    EXPECT_THAT(error.what(), HasSubstr("file/below"));
    EXPECT_THAT(error.what(), HasSubstr("project="));
  }
  // A file in the place of the folder: another number is taken, or with exist_ok it is said.
  fs::create_directories(root.path() / "detect");
  std::ofstream(root.path() / "detect/train") << "x";
  EXPECT_EQ(ClaimRunFolder({.runs_dir = root.path()}, false), root.path() / "detect/train-2");
  EXPECT_THROW((void)ClaimRunFolder({.runs_dir = root.path(), .exist_ok = true}, false),
               WriteError);
}

TEST(RunFolder, ANameMayNotLeaveTheProject) {
  EXPECT_THROW((void)ChooseRunFolder({.name = "../x"}), ConfigError);
  EXPECT_THROW((void)ChooseRunFolder({.name = "/x"}), ConfigError);
}

// Sets an environment variable for the length of a test.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() { ::setenv(name_, old_.c_str(), 1); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::string old_;
};

TEST(Settings, AreReadFromTheReferencesFile) {
  const testing::TempDir root;
  fs::create_directories(root.path() / "Ultralytics");
  std::ofstream(root.path() / "Ultralytics/settings.json")
      << R"({"runs_dir": "my-runs", "datasets_dir": "/data/sets", "sync": true, "weights_dir": 3})";
  const Environment folder("YOLO_CONFIG_DIR", root.path().string());
  const Settings settings = ReadSettings();
  EXPECT_EQ(settings.runs_dir, fs::current_path() / "my-runs");
  EXPECT_EQ(settings.datasets_dir, "/data/sets");
  EXPECT_EQ(settings.weights_dir, fs::current_path() / "weights");
  EXPECT_EQ(settings.file, root.path() / "Ultralytics/settings.json");
  EXPECT_THAT(SettingsText(settings), HasSubstr("datasets_dir: /data/sets"));
}

TEST(Settings, ABrokenFileIsAWarningAndIsLeftAlone) {
  const testing::TempDir root;
  std::ofstream(root.path() / "settings.json") << "{broken";
  const Environment folder("YOLO_CONFIG_DIR", root.path().string());
  const Settings settings = ReadSettings();
  EXPECT_THAT(settings.warnings, ElementsAre(HasSubstr("no JSON object")));
  EXPECT_EQ(settings.runs_dir, fs::current_path() / "runs");
  EXPECT_EQ(fs::file_size(root.path() / "settings.json"), 7U);
}

TEST(Settings, WithoutAFileThereAreDefaults) {
  const testing::TempDir root;
  const Environment folder("YOLO_CONFIG_DIR", root.path().string());
  const Settings settings = ReadSettings();
  EXPECT_TRUE(settings.file.empty());
  EXPECT_EQ(settings.datasets_dir, fs::current_path() / "datasets");
  EXPECT_THAT(settings.warnings, IsEmpty());
}

}  // namespace
}  // namespace headroom
