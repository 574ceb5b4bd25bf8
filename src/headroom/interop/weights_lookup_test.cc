// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/weights_lookup.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/interop/torch_archive.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TempDir;

class FindWeightsTest : public ::testing::Test {
 protected:
  FindWeightsTest() {
    options_.working_folder = dir_.path() / "work";
    options_.weights_folder = dir_.path() / "weights";
    options_.release_url = "file://" + (dir_.path() / "release").string() + "/";
    fs::create_directories(options_.working_folder);
    fs::create_directories(dir_.path() / "release");
  }

  static void WriteWeights(const fs::path& path) {
    fs::create_directories(path.parent_path());
    PickleHeap heap;
    PickleNode* dict = heap.Dict();
    heap.Set(dict, "a", heap.Tensor(TensorData::FromFloats({1}, std::array{1.0F})));
    WriteFileAtomic(path, [&](FileWriter& file) { WriteTorchArchive(file, *dict); });
  }

  std::string ErrorOf(const std::string& name) {
    try {
      static_cast<void>(FindWeights(name, options_));
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  TempDir dir_;
  WeightsLookupOptions options_;
};

TEST_F(FindWeightsTest, PrefersTheWorkingFolder) {
  WriteWeights(options_.working_folder / "yolo11n.pt");
  WriteWeights(options_.weights_folder / "yolo11n.pt");
  EXPECT_EQ(FindWeights("yolo11n.pt", options_), options_.working_folder / "yolo11n.pt");
}

TEST_F(FindWeightsTest, LooksInTheWeightsFolder) {
  WriteWeights(options_.weights_folder / "mine.pt");
  EXPECT_EQ(FindWeights("mine.pt", options_), options_.weights_folder / "mine.pt");
}

TEST_F(FindWeightsTest, FetchesPublishedWeightsOnce) {
  WriteWeights(dir_.path() / "release/yolo11n.pt");
  EXPECT_EQ(FindWeights("yolo11n.pt", options_), options_.weights_folder / "yolo11n.pt");
  fs::remove(dir_.path() / "release/yolo11n.pt");
  EXPECT_EQ(FindWeights("yolo11n.pt", options_), options_.weights_folder / "yolo11n.pt");
  EXPECT_EQ(std::distance(fs::directory_iterator(options_.weights_folder), {}), 1);
}

TEST_F(FindWeightsTest, SaysHowToGoOnWithoutANetwork) {
  EXPECT_THAT(ErrorOf("yolo26s.pt"),
              AllOf(HasSubstr(options_.release_url + "yolo26s.pt"),
                    HasSubstr(options_.weights_folder.string()), HasSubstr("model=yolo26s.yaml")));
}

TEST_F(FindWeightsTest, DoesNotKeepWhatIsNoWeightsFile) {
  WriteFileAtomic(dir_.path() / "release/yolov8n.pt", "<html>sign in</html>");
  EXPECT_THAT(ErrorOf("yolov8n.pt"), HasSubstr("no weights file"));
  EXPECT_TRUE(fs::is_empty(options_.weights_folder));
}

TEST_F(FindWeightsTest, RefusesADownloadAboveItsLimit) {
  WriteWeights(dir_.path() / "release/yolo11n.pt");
  options_.download.largest = 100;
  EXPECT_THAT(ErrorOf("yolo11n.pt"), HasSubstr("more than 100 bytes"));
  EXPECT_TRUE(fs::is_empty(options_.weights_folder));
}

TEST_F(FindWeightsTest, NamesThePlacesForOtherFiles) {
  EXPECT_THAT(ErrorOf("mine.pt"), AllOf(HasSubstr("work/mine.pt"), HasSubstr("weights/mine.pt")));
}

TEST(IsPublishedWeights, KnowsTheDetectionModels) {
  EXPECT_TRUE(IsPublishedWeights("yolo11n.pt"));
  EXPECT_TRUE(IsPublishedWeights("yolov8x.pt"));
  EXPECT_TRUE(IsPublishedWeights("yolo26m.pt"));
  EXPECT_FALSE(IsPublishedWeights("yolo11n-seg.pt"));
  EXPECT_FALSE(IsPublishedWeights("yolo11.pt"));
  EXPECT_FALSE(IsPublishedWeights("best.pt"));
}

}  // namespace
}  // namespace headroom
