// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/label_files.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <gtest/gtest.h>

#include <vector>

namespace headroom {
namespace {

const std::vector<Detection> kFound = {{{10, 20, 30, 60}, 0.5F, 2}};

class LabelFilesTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path folder() const { return dir_.path() / "labels"; }
  [[nodiscard]] std::string Text(const char* name) const { return *ReadFile(folder() / name); }

 private:
  testing::TempDir dir_;
};

TEST_F(LabelFilesTest, HoldsCentreAndSizeAsSharesOfThePicture) {
  LabelFiles(folder(), WithConfidence::kNo).Write("a", kFound, {200, 100});
  EXPECT_EQ(Text("a.txt"), "2 0.2 0.2 0.2 0.2\n");
  LabelFiles(folder(), WithConfidence::kYes).Write("a", kFound, {200, 100});
  EXPECT_EQ(Text("a.txt"), "2 0.2 0.2 0.2 0.2 0.5\n");
}

TEST_F(LabelFilesTest, HasNoFileForAPictureWithoutDetections) {
  const LabelFiles labels(folder(), WithConfidence::kNo);
  labels.Write("a", {}, {200, 100});
  EXPECT_FALSE(std::filesystem::exists(folder()));
  EXPECT_EQ(labels.Summary(), std::nullopt);
  labels.Write("a", kFound, {200, 100});
  labels.Write("a", {}, {200, 100});  // An earlier run's goes.
  EXPECT_EQ(labels.Count(), 0);
}

TEST_F(LabelFilesTest, CountsTheFilesThatThereAre) {
  const LabelFiles labels(folder(), WithConfidence::kNo);
  labels.Write("a", kFound, {200, 100});
  labels.Write("a", kFound, {200, 100});
  EXPECT_EQ(labels.Summary(), "1 label saved to " + folder().string());
  labels.Write("b", kFound, {200, 100});
  EXPECT_EQ(labels.Summary(), "2 labels saved to " + folder().string());
}

TEST_F(LabelFilesTest, RemovesLabelFilesOnly) {
  const LabelFiles labels(folder(), WithConfidence::kNo);
  labels.RemoveAll();
  labels.Write("a", kFound, {200, 100});
  testing::WriteText(folder() / "notes.md", "mine");
  labels.RemoveAll();
  EXPECT_EQ(labels.Count(), 0);
  EXPECT_EQ(Text("notes.md"), "mine");
}

TEST_F(LabelFilesTest, SaysWhereItCannotWrite) {
  testing::WriteText(folder(), "a file");
  EXPECT_THROW(LabelFiles(folder(), WithConfidence::kNo).Write("a", kFound, {200, 100}),
               WriteError);
}

}  // namespace
}  // namespace headroom
