// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/settings.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Settings of nobody else, in a folder that goes with the test.
class ChangedSettings : public ::testing::Test {
 protected:
  ChangedSettings() {
    const char* before = std::getenv("YOLO_CONFIG_DIR");
    before_ = before == nullptr ? "" : before;
    ::setenv("YOLO_CONFIG_DIR", folder_.path().c_str(), 1);
  }
  ~ChangedSettings() override { ::setenv("YOLO_CONFIG_DIR", before_.c_str(), 1); }

  [[nodiscard]] fs::path File() const { return folder_.path() / "Ultralytics/settings.json"; }
  void WriteFile(const std::string& text) const {
    fs::create_directories(File().parent_path());
    std::ofstream(File()) << text;
  }
  static std::vector<std::string> Change(const std::vector<std::string>& words) {
    return ChangeSettings(words);
  }
  static std::string ErrorOf(const std::vector<std::string>& words) {
    try {
      (void)ChangeSettings(words);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no error";
  }

  testing::TempDir folder_;
  std::string before_;
};

TEST_F(ChangedSettings, AreWhatIsReadNext) {
  EXPECT_THAT(Change({"runs_dir=/data/my runs", "weights_dir=w"}),
              ElementsAre("Updated 'runs_dir=/data/my runs'", "Updated 'weights_dir=w'"));
  const Settings settings = ReadSettings();
  EXPECT_EQ(settings.file, File());
  EXPECT_EQ(settings.runs_dir, "/data/my runs");
  EXPECT_EQ(settings.weights_dir, fs::current_path() / "w");
  EXPECT_EQ(settings.datasets_dir, fs::current_path() / "datasets");
}

TEST_F(ChangedSettings, LeaveTheOtherKeysAsTheyAre) {
  WriteFile(R"({"settings_version": "0.0.8", "runs_dir": "a", "api_key": "k", "sync": true})");
  (void)Change({"runs_dir=b"});
  EXPECT_EQ(*ReadFile(File()),
            "{\n  \"settings_version\": \"0.0.8\",\n  \"runs_dir\": \"b\",\n  \"api_key\": \"k\",\n"
            "  \"sync\": true\n}\n");
}

TEST_F(ChangedSettings, AreResetWithoutTheOthers) {
  WriteFile(R"({"runs_dir": "/a", "api_key": "k"})");
  EXPECT_THAT(Change({"reset"}), ElementsAre(HasSubstr("Settings reset")));
  EXPECT_EQ(ReadSettings().runs_dir, fs::current_path() / "runs");
  EXPECT_EQ(*ReadFile(File()), "{\n  \"runs_dir\": \"runs\",\n  \"api_key\": \"k\"\n}\n");
}

TEST_F(ChangedSettings, NoFileIsMadeToResetNothing) {
  EXPECT_THAT(Change({"reset"}), ElementsAre(HasSubstr("Settings reset")));
  EXPECT_THAT(Change({}), IsEmpty());
  EXPECT_FALSE(fs::exists(File()));
}

TEST_F(ChangedSettings, KeepTheFilesPermissionsAndItsLink) {
  WriteFile(R"({"api_key": "k"})");
  const fs::path kept = folder_.path() / "kept.json";
  fs::rename(File(), kept);
  fs::create_symlink(kept, File());
  ::chmod(kept.c_str(), 0600);
  (void)Change({"runs_dir=b"});
  EXPECT_TRUE(fs::is_symlink(File()));
  EXPECT_EQ(fs::status(kept).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(ReadSettings().runs_dir, fs::current_path() / "b");
}

TEST_F(ChangedSettings, OtherWordsAreRefusedBeforeAnythingIsWritten) {
  EXPECT_THAT(ErrorOf({"runs_dir=a", "foo=1"}), HasSubstr("'foo' is no setting here; what can be "
                                                          "set is runs_dir=, weights_dir= and"));
  EXPECT_THAT(ErrorOf({"show"}), HasSubstr("'show' is no setting"));
  EXPECT_THAT(ErrorOf({"reset", "runs_dir=a"}), HasSubstr("'reset' is no setting"));
  EXPECT_THAT(ErrorOf({"runs_dir="}), HasSubstr("runs_dir= needs a folder"));
  EXPECT_THAT(ErrorOf({"runs_dir=\xff"}), HasSubstr("UTF-8"));
  EXPECT_FALSE(fs::exists(File()));
  WriteFile("{broken");
  EXPECT_THAT(ErrorOf({"runs_dir=a"}), HasSubstr("no JSON object; mend it or remove it"));
  EXPECT_THAT(ErrorOf({"reset"}), HasSubstr("no JSON object"));
  EXPECT_EQ(*ReadFile(File()), "{broken");
}

TEST_F(ChangedSettings, AFolderThatCannotBeWrittenIsSaid) {
  std::ofstream(folder_.path() / "Ultralytics") << "a file";
  EXPECT_THROW((void)Change({"runs_dir=a"}), WriteError);
}

}  // namespace
}  // namespace headroom
