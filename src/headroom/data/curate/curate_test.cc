// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/data/curate/convert_dataset.h"
#include "headroom/data/curate/dataset_check.h"
#include "headroom/data/curate/xml_tree.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using testing::WriteText;

void WritePicture(const fs::path& path, std::uint64_t seed, int height = 40, int width = 80) {
  fs::create_directories(path.parent_path());
  testing::WriteBytes(
      path, testing::EncodeImage(testing::SyntheticPixels(height, width, seed), height, width,
                                 path.extension().string().substr(1)));
}

std::string Text(const fs::path& path) { return *ReadFile(path); }

TEST(ParseXml, ReadsElementsTextAndEntities) {
  const Result<XmlElement> root = ParseXml(
      "<?xml version=\"1.0\"?><!-- c --><a x=\"1\">\n <b> 5 &lt; 6 "
      "</b><c/><b><![CDATA[<x>]]></b></a>");
  ASSERT_TRUE(root.ok()) << root.error();
  EXPECT_EQ(root->TextOf("b"), "5 < 6");
  ASSERT_EQ(root->children.size(), 3U);
  EXPECT_EQ(root->children[2].text, "<x>");
  EXPECT_EQ(root->Find("d"), nullptr);
}

TEST(ParseXml, RefusesWhatIsBroken) {
  for (const char* bad :
       {"", "text", "<a>", "<a></b>", "<a><b></a>", "<a/><b/>", "<", "<a", "<>x</>"})
    EXPECT_FALSE(ParseXml(bad).ok()) << bad;
  std::string deep;
  for (int i = 0; i < 10000; ++i) deep += "<a>";
  EXPECT_FALSE(ParseXml(deep).ok());
}

TEST(ConvertCoco, WritesSplitsLabelsAndNames) {
  const testing::TempDir dir;
  WritePicture(dir.path() / "in/train2017/a.jpg", 1);
  WritePicture(dir.path() / "in/train2017/b.jpg", 2);
  WritePicture(dir.path() / "in/val2017/c.png", 3);
  const std::string categories =
      R"("categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "it's"}])";
  WriteText(dir.path() / "in/annotations/instances_train2017.json", R"({"annotations": [
    {"id": 1, "image_id": 5, "category_id": 7, "bbox": [10, 10, 40, 20], "iscrowd": 0,
     "segmentation": [[1, 2, 3, 4]]},
    {"image_id": 5, "category_id": 3, "bbox": [70, -4.0, 20, 8], "iscrowd": 0},
    {"image_id": 5, "category_id": 3, "bbox": [0, 0, 80, 40], "iscrowd": 1,
     "segmentation": {"counts": [9, 9], "size": [1, 2]}},
    {"image_id": 6, "category_id": 3, "bbox": [5, 5, 0, 5], "iscrowd": 0}],
    "images": [{"id": 5, "width": 80, "height": 40, "file_name": "a.jpg"},
               {"id": 6, "width": 80, "height": 40, "file_name": "b.jpg"},
               {"id": 8, "width": 80, "height": 40, "file_name": "../../secret.jpg"}], )" +
                                                                        categories + "}");
  WriteText(dir.path() / "in/annotations/instances_val2017.json",
            R"({"images": [{"id": 1, "width": 80, "height": 40, "file_name": "c.png"}],
                "annotations": [{"image_id": 1, "category_id": 7, "bbox": [0, 0, 80, 40]}], )" +
                categories + "}");
  const fs::path out = dir.path() / "out";
  const ConvertReport report = ConvertCoco(dir.path() / "in", out, {});
  EXPECT_THAT(report.images, ElementsAre(Pair("train", 2), Pair("val", 1)));
  EXPECT_THAT(report.names, ElementsAre("it's", "dog"));
  EXPECT_EQ(report.boxes, 3);
  EXPECT_EQ(report.skipped_boxes, 2);
  EXPECT_EQ(report.missing_images, 1);
  EXPECT_EQ(Text(out / "labels/train/a.txt"), "1 0.375 0.5 0.5 0.5\n0 0.9375 0.05 0.125 0.1\n");
  EXPECT_FALSE(fs::exists(out / "labels/train/b.txt"));
  EXPECT_TRUE(fs::exists(out / "images/train/b.jpg"));
  EXPECT_EQ(Text(out / "labels/val/c.txt"), "1 0.5 0.5 1 1\n");
  EXPECT_EQ(Text(out / "data.yaml"),
            "train: images/train\nval: images/val\nnames:\n  0: 'it''s'\n  1: 'dog'\n");
  EXPECT_THROW(ConvertCoco(dir.path() / "in", out, {}), ConfigError);
}

TEST(ConvertCoco, NamesWhatIsNoAnnotationFile) {
  const testing::TempDir dir;
  WriteText(dir.path() / "a.json", "{\"images\": [}");
  EXPECT_THROW(ConvertCoco(dir.path() / "a.json", dir.path() / "x", {}), DataError);
  WriteText(dir.path() / "a.json", "[1, 2, {\"id\": 3}]");
  EXPECT_THROW(ConvertCoco(dir.path() / "a.json", dir.path() / "y", {}), DataError);
}

TEST(ConvertVoc, FollowsItsImageSets) {
  const testing::TempDir dir;
  const fs::path in = dir.path() / "VOC";
  for (const char* stem : {"a", "b"}) {
    WritePicture(in / "JPEGImages" / (std::string(stem) + ".jpg"), 4);
    WriteText(in / "Annotations" / (std::string(stem) + ".xml"),
              "<annotation><filename>" + std::string(stem) +
                  ".jpg</filename><object><name>dog</name><difficult>0</difficult>"
                  "<bndbox><xmin>11</xmin><ymin>11</ymin><xmax>51</xmax><ymax>31</ymax></bndbox>"
                  "</object><object><name>cat</name><difficult>1</difficult><bndbox><xmin>1</xmin>"
                  "<ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object></annotation>");
  }
  WriteText(in / "Annotations/c.xml", "<annotation></annotation>");
  WriteText(in / "ImageSets/Main/train.txt", "a\n");
  WriteText(in / "ImageSets/Main/val.txt", "b 1\n");
  const ConvertReport report = ConvertVoc(in, dir.path() / "out", {});
  EXPECT_THAT(report.images, ElementsAre(Pair("train", 1), Pair("val", 1)));
  EXPECT_THAT(report.names, ElementsAre("dog"));
  EXPECT_EQ(report.skipped_boxes, 2);
  EXPECT_EQ(report.missing_images, 1);
  EXPECT_THAT(report.messages, ElementsAre(HasSubstr("image is missing")));
  EXPECT_EQ(Text(dir.path() / "out/labels/val/b.txt"), "0 0.375 0.5 0.5 0.5\n");
}

class CheckDatasetTest : public ::testing::Test {
 protected:
  CheckDatasetTest() {
    WritePicture(root() / "images/train/a.jpg", 1);
    WritePicture(root() / "images/train/b.jpg", 2, 40, 400);
    fs::copy_file(root() / "images/train/a.jpg", root() / "images/train/twin.jpg");
    WriteText(root() / "images/train/broken.jpg", "no picture");
    fs::create_directories(root() / "images/val");
    fs::copy_file(root() / "images/train/b.jpg", root() / "images/val/leak.jpg");
    fs::create_directories(root() / "labels/train");
    WriteText(root() / "labels/train/a.txt", "1 0.5 0.5 0.25 0.25\n1 0.5 0.5 0.25 0.25\n");
    WriteText(root() / "labels/train/b.txt", "0 0.5 0.5 1 1\n1 0.5 0.5 0.5 0.5\n");
  }
  [[nodiscard]] fs::path root() const { return dir_.path() / "in"; }
  [[nodiscard]] DatasetCheckOptions Options() const {
    return {.splits = {{"train", {(root() / "images/train").string()}},
                       {"val", {(root() / "images/val").string()}}},
            .num_classes = 2,
            .names = {"x", "y"}};
  }

 private:
  testing::TempDir dir_;
};

TEST_F(CheckDatasetTest, CountsAndFindsDuplicatesAcrossSplits) {
  const DatasetReport report = CheckDataset(Options());
  const SplitReport& train = report.splits[0];
  EXPECT_EQ(train.counts.total, 4);
  EXPECT_EQ(train.counts.corrupt, 1);
  EXPECT_EQ(train.boxes, 3U);
  EXPECT_EQ(train.most_boxes, 2U);
  EXPECT_THAT(train.boxes_of_class, ElementsAre(1U, 2U));
  EXPECT_THAT(train.images_of_class, ElementsAre(1U, 2U));
  EXPECT_EQ(train.objects.small, 1U);   // 20x10
  EXPECT_EQ(train.objects.medium, 1U);  // 200x20
  EXPECT_EQ(train.objects.large, 1U);   // 400x40
  EXPECT_THAT(train.images_of_size, ElementsAre(2U, 1U, 0U, 0U, 0U, 0U));
  ASSERT_EQ(report.duplicates.size(), 2U);
  EXPECT_THAT(report.duplicates[0].path, HasSubstr("twin.jpg"));
  EXPECT_EQ(report.duplicates[1].split, "val");
  EXPECT_EQ(report.duplicates[1].first_split, "train");
  const std::string text = ReportText(report, Options().names);
  EXPECT_THAT(text, HasSubstr("train: 4 images, 1 backgrounds, 1 corrupt; 3 boxes"));
  EXPECT_THAT(text, HasSubstr("broken.jpg"));
  EXPECT_THAT(text, HasSubstr("2 images have the bytes of another; 1 of them in another split"));
}

TEST_F(CheckDatasetTest, MendsACopyAndLeavesTheDataAlone) {
  DatasetCheckOptions options = Options();
  options.mended = root().parent_path() / "out";
  const std::string before = Text(root() / "labels/train/a.txt");
  (void)CheckDataset(options);
  EXPECT_EQ(Text(root() / "labels/train/a.txt"), before);
  EXPECT_FALSE(fs::exists(root() / "labels/train.headroom"));
  EXPECT_EQ(Text(options.mended / "labels/train/a.txt"), "1 0.5 0.5 0.25 0.25\n");
  EXPECT_TRUE(fs::exists(options.mended / "images/train/b.jpg"));
  for (const char* gone :
       {"images/train/twin.jpg", "images/train/broken.jpg", "images/val/leak.jpg"})
    EXPECT_FALSE(fs::exists(options.mended / gone)) << gone;
  EXPECT_THAT(Text(options.mended / "data.yaml"), HasSubstr("train: images/train"));
}

}  // namespace
}  // namespace headroom
