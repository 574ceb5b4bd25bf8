// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/dataset_yaml.h"

#include "headroom/core/error.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DatasetYaml : public ::testing::Test {
 protected:
  DatasetYaml() {
    for (const char* folder : {"images/train", "images/val", "sets/coins/images/train"}) {
      fs::create_directories(root() / folder);
    }
  }
  [[nodiscard]] const fs::path& root() const { return folder_.path(); }

  std::string Write(const std::string& text, const std::string& name = "data.yaml") {
    std::ofstream(root() / name) << text;
    return (root() / name).string();
  }
  DatasetConfig Read(const std::string& text) {
    return ReadDatasetYaml(Write(text), root() / "sets");
  }
  std::string ErrorOf(const std::string& text) {
    try {
      (void)Read(text);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no error";
  }

 private:
  testing::TempDir folder_;
};

constexpr const char* kSplits = "train: images/train\nval: images/val\n";

TEST_F(DatasetYaml, SplitsAreRelativeToTheYamlsFolder) {
  const DatasetConfig config = Read(std::string(kSplits) + "names: [cat, dog]\n");
  EXPECT_THAT(config.names, ElementsAre("cat", "dog"));
  EXPECT_EQ(config.classes(), 2);
  EXPECT_EQ(config.root, root());
  EXPECT_THAT(config.Split("train"), ElementsAre((root() / "images/train").string()));
  EXPECT_THAT(config.Split("val"), ElementsAre((root() / "images/val").string()));
  EXPECT_THAT(config.test, IsEmpty());
}

TEST_F(DatasetYaml, AFolderStandsForTheDataYamlInIt) {
  Write(std::string(kSplits) + "names: [cat]\n");
  Write("nonsense", "other.yaml");
  EXPECT_EQ(ReadDatasetYaml(root().string(), root()).classes(), 1);
  EXPECT_THROW((void)ReadDatasetYaml((root() / "images").string(), root()), ConfigError);
}

TEST_F(DatasetYaml, ARelativeNameIsAlsoLookedForAmongTheDataSets) {
  fs::create_directories(root() / "sets");
  Write(std::string(kSplits) + "names: [cat]\n", "sets/pets.yaml");
  EXPECT_EQ(ReadDatasetYaml("pets.yaml", root() / "sets").classes(), 1);
  try {
    (void)ReadDatasetYaml("coco8.yaml", root() / "sets");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("coco8.yaml"), HasSubstr("sets"), HasSubstr("not fetched")));
  }
}

TEST_F(DatasetYaml, ARelativeRootIsTriedInThreePlaces) {
  EXPECT_EQ(Read("path: images\ntrain: train\nval: val\nnames: [a]\n").root, root() / "images");
  EXPECT_EQ(Read("path: coins\ntrain: images/train\nnames: [a]\n").root, root() / "sets/coins");
  const std::string error =
      ErrorOf("names: [a]\npath: nowhere\ntrain: train\ndownload: https://example.org/a.zip\n");
  EXPECT_THAT(error, AllOf(HasSubstr("data.yaml:2: path: nowhere does not exist"),
                           HasSubstr((root() / "nowhere").string()),
                           HasSubstr((fs::current_path() / "nowhere").string()),
                           HasSubstr((root() / "sets/nowhere").string()),
                           HasSubstr("line 4 is never fetched or run")));
}

TEST_F(DatasetYaml, ARootThatDoesNotExistIsNoErrorWhenSplitsAreAbsolute) {
  const std::string train = (root() / "images/train").string();
  EXPECT_THAT(Read("path: nowhere\ntrain: " + train + "\nnames: [a]\n").Split("train"),
              ElementsAre(train));
}

TEST_F(DatasetYaml, SplitsMayBeListsAndValidationMeansVal) {
  const DatasetConfig config =
      Read("train: [images/train, images/val]\nvalidation: images/val\nnames: [a]\n");
  EXPECT_THAT(config.train,
              ElementsAre((root() / "images/train").string(), (root() / "images/val").string()));
  EXPECT_THAT(config.val, ElementsAre((root() / "images/val").string()));
}

TEST_F(DatasetYaml, ParentFoldersOfExportersAreRead) {
  const DatasetConfig config = Read("train: ../images/train\nnames: [a]\n");
  EXPECT_THAT(config.Split("train"), ElementsAre((root() / "images/train").string()));
}

TEST_F(DatasetYaml, NoSplitStandsInForAnother) {
  const auto refusal = [&](const std::string& text, const char* split) {
    const DatasetConfig config = Read("names: [a]\n" + text);
    try {
      (void)config.Split(split);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_THAT(
      refusal("train: images/train\ntest: images/val\n", "val"),
      AllOf(HasSubstr("there is no `val:`; add it"), HasSubstr("`test:` does not stand in")));
  for (const char* near : {"valid", "Val", "validate", "vali"}) {
    EXPECT_THAT(
        refusal("train: images/train\n" + std::string(near) + ": images/val\ntest: images/val\n",
                "val"),
        HasSubstr("line 3 has `" + std::string(near) + ":`, is `val:` meant?"));
  }
  EXPECT_THAT(refusal("training: images/train\nval: images/val\n", "train"),
              HasSubstr("line 2 has `training:`, is `train:` meant?"));
  EXPECT_THAT(refusal("train: images/train\nval: images/val\n", "test"),
              HasSubstr("there is no `test:`; add it"));
  EXPECT_EQ(refusal("train: images/train\nval: images/val\n", "val"), "none");
}

TEST_F(DatasetYaml, AMissingSplitAndAMissingFolderSayWhatToDo) {
  const DatasetConfig config = Read("train: images/tra1n\nnames: [a]\ndownload: |\n  import os\n");
  try {
    (void)config.Split("val");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("there is no `val:`"));
  }
  try {
    (void)config.Split("train");
    FAIL();
  } catch (const DataError& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("images/tra1n does not exist"), HasSubstr("never fetched or run")));
  }
}

TEST_F(DatasetYaml, NamesMayBeAListOrADict) {
  const std::string splits = kSplits;
  EXPECT_THAT(Read(splits + "names:\n  1: b\n  0: a\n").names, ElementsAre("a", "b"));
  EXPECT_THAT(Read(splits + "names: {0: no, 1: 1.50, 2: '03'}\n").names,
              ElementsAre("no", "1.50", "03"));
  EXPECT_THAT(Read(splits + "nc: '3'\n").names, ElementsAre("class_0", "class_1", "class_2"));
  EXPECT_EQ(Read(splits + "nc: 2.0\nnames: [a, b]\n").classes(), 2);
}

TEST_F(DatasetYaml, MistakesAreNamedWithFileAndLine) {
  const std::string splits = kSplits;
  EXPECT_THAT(ErrorOf(splits + "nc: 3\nnames: [a, b]\n"),
              HasSubstr("data.yaml:3: nc is 3, but names (line 4) has 2 entries"));
  EXPECT_THAT(ErrorOf(splits), HasSubstr("the classes are missing"));
  EXPECT_THAT(ErrorOf(splits + "nc: 0\n"), HasSubstr("data.yaml:3: nc: 0"));
  EXPECT_THAT(ErrorOf(splits + "nc: two\n"), HasSubstr("nc: two"));
  EXPECT_THAT(ErrorOf(splits + "names: {0: a, 2: b}\n"), HasSubstr("class 2 among 2 names"));
  EXPECT_THAT(ErrorOf(splits + "names: {x: a}\n"), HasSubstr("'x' is no class number"));
  EXPECT_THAT(ErrorOf(splits + "names: {0: a, 00: b}\n"), HasSubstr("class 0 is named twice"));
  EXPECT_THAT(ErrorOf(splits + "names: cat\n"), HasSubstr("a list is needed"));
  EXPECT_THAT(ErrorOf(splits + "names: [[a]]\n"), HasSubstr("one text"));
  EXPECT_THAT(ErrorOf("names: [a]\ntrain: {a: b}\n"), HasSubstr("data.yaml:2: train"));
  EXPECT_THAT(ErrorOf("names: [a]\ntrain: 3\n"), HasSubstr("data.yaml:2: train"));
  EXPECT_THAT(ErrorOf("names: [a]\n"), HasSubstr("no images are named"));
  EXPECT_THAT(ErrorOf(splits + "names: [a]\nchannels: 1\n"), HasSubstr("data.yaml:4: channels"));
  EXPECT_THAT(ErrorOf("just text\n"), HasSubstr("data.yaml:1"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("data.yaml:1"));
}

TEST_F(DatasetYaml, TabsAreNamedForWhatTheyAre) {
  EXPECT_THAT(ErrorOf("train: a\nnames:\n\t0: cat\n"),
              HasSubstr("data.yaml:3: the line is indented with a tab"));
}

TEST_F(DatasetYaml, BrokenYamlIsNamedWithItsLine) {
  EXPECT_THAT(ErrorOf("train: a\nnames: [cat, dog\nval: b\n"), HasSubstr("data.yaml:"));
  EXPECT_THAT(ErrorOf("a: b: c\n"), HasSubstr("data.yaml:1: this is no valid YAML"));
  EXPECT_THAT(ErrorOf("names: !!python/object:os.system [a]\n"), HasSubstr("the tag"));
  EXPECT_THAT(ErrorOf(std::string(5000, '[')), HasSubstr("data.yaml"));
}

TEST_F(DatasetYaml, AnAliasBombIsRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) text += (k > 0 ? ", *a" : "*a") + std::to_string(i - 1);
    text += "]\n";
  }
  EXPECT_THAT(ErrorOf(text + "names: [a]\n"), HasSubstr("too deep or too large"));
}

TEST_F(DatasetYaml, ByteOrderMarksAndControlCharactersAreDropped) {
  EXPECT_THAT(Read("\xEF\xBB\xBFtrain: images/train\r\nnames: [a\x01]\r\n").names,
              ElementsAre("a"));
}

TEST_F(DatasetYaml, TheSampleSetIsRead) {
  HEADROOM_NEEDS_SHARED("data/bccd/data.yaml");
  const DatasetConfig config =
      ReadDatasetYaml(testing::SharedFile("data/bccd/data.yaml").string(), root());
  EXPECT_THAT(config.names, ElementsAre("RBC", "WBC", "Platelets"));
  EXPECT_EQ(config.Split("train").size(), 1U);
}

}  // namespace
}  // namespace headroom
