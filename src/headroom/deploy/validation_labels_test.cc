// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/validation_labels.h"

#include "headroom/core/file.h"
#include "headroom/image/image_writer.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using ::testing::UnorderedElementsAre;

const std::vector<Detection> kFound = {{{40, 20, 60, 40}, 0.5F, 1}};

class ValidationLabelsTest : public ::testing::Test {
 protected:
  [[nodiscard]] DatasetIndex IndexOf(const std::vector<std::string>& names) const {
    Image image({30, 40});
    std::fill_n(image.data(), image.size().PixelBytes().count(), std::uint8_t{9});
    for (const std::string& name : names) {
      const fs::path path = dir_.path() / "images/val" / name;
      fs::create_directories(path.parent_path());
      WriteJpeg(path, image.view());
    }
    return DatasetIndex::Build({.split = "val",
                                .sources = {(dir_.path() / "images/val").string()},
                                .num_classes = 2,
                                .use_cache = false,
                                .threads = 1});
  }
  [[nodiscard]] fs::path folder() const { return dir_.path() / "labels_found"; }
  [[nodiscard]] LabelFiles Files() const { return {folder(), WithConfidence::kNo}; }
  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder()))
      names.push_back(entry.path().filename());
    return names;
  }
  // A 40x30 picture at twice its size with 20 px above it.
  static Sample Letterboxed() {
    Sample sample;
    sample.geometry = {.source_height = 30,
                       .source_width = 40,
                       .scale_x = 2,
                       .scale_y = 2,
                       .pad_x = 0,
                       .pad_y = 20};
    return sample;
  }
  static void WriteAll(ValidationLabels& labels, const DatasetIndex& index) {
    // Not in the order of the list, as rectangular batches are.
    for (std::size_t i = index.size(); i-- > 0;)
      labels.Write(static_cast<std::uint32_t>(i), kFound, Letterboxed());
  }

 private:
  testing::TempDir dir_;
};

TEST_F(ValidationLabelsTest, HoldsSharesOfTheSourcePicture) {
  const DatasetIndex index = IndexOf({"a.jpg"});
  ValidationLabels labels(Files(), index, nullptr);
  WriteAll(labels, index);
  EXPECT_EQ(*ReadFile(folder() / "a.txt"), "1 0.625 0.166667 0.25 0.333333\n");
}

TEST_F(ValidationLabelsTest, NamesFilesByTheirPathBelowTheSharedFolder) {
  const DatasetIndex index = IndexOf({"a.jpg", "sub/a.jpg", "deep/er/b.c.jpg"});
  ValidationLabels labels(Files(), index, nullptr);
  WriteAll(labels, index);
  EXPECT_THAT(Names(), UnorderedElementsAre("a.txt", "sub_a.txt", "deep_er_b.c.txt"));
}

TEST_F(ValidationLabelsTest, LosesNothingWhereNamesMeet) {
  const DatasetIndex index = IndexOf({"a-2.jpg", "a.jpg", "a.jpeg", "sub/a.jpg", "sub_a.jpg"});
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(1), "test", ledger);
  ValidationLabels labels(Files(), index, &budget);
  WriteAll(labels, index);
  WriteAll(labels, index);  // A damaged image is replaced by another, which is then met twice.
  EXPECT_THAT(Names(),
              UnorderedElementsAre("a-2.txt", "a.txt", "a-3.txt", "sub_a.txt", "sub_a-2.txt"));
  EXPECT_EQ(labels.files().Count(), 5);
}

TEST_F(ValidationLabelsTest, RemovesTheFilesOfAnEarlierRun) {
  const DatasetIndex index = IndexOf({"a.jpg"});
  Files().Write("old", kFound, {30, 40});
  ValidationLabels labels(Files(), index, nullptr);
  WriteAll(labels, index);
  EXPECT_THAT(Names(), UnorderedElementsAre("a.txt"));
}

}  // namespace
}  // namespace headroom
