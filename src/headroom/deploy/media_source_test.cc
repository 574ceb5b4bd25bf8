// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/media_source.h"

#include "headroom/core/error.h"
#include "headroom/image/image_writer.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class MediaSource : public ::testing::Test {
 protected:
  MediaSource() {
    Image image({20, 30});
    std::fill_n(image.data(), image.size().PixelBytes().count(), std::uint8_t{9});
    std::filesystem::create_directories(root() / "inner");
    for (const char* name : {"b.jpg", "a.jpg", "inner/c.jpg"})
      WriteJpeg(root() / name, image.view());
    testing::WriteText(root() / "note.md", "no picture");
    VideoWriter video(root() / "v.avi", 10, {20, 30});
    for (int i = 0; i < 4; ++i) video.Write(image.view());
  }
  [[nodiscard]] const std::filesystem::path& root() const { return dir_.path(); }
  [[nodiscard]] std::vector<std::string> Names(const std::string& source) const {
    const MediaList list = FindMedia(source);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < list.images.size(); ++i)
      names.push_back(std::filesystem::path(list.images.Path(i)).filename());
    for (const std::string& video : list.videos)
      names.push_back(std::filesystem::path(video).filename());
    return names;
  }

 private:
  testing::TempDir dir_;
};

TEST_F(MediaSource, FindsImagesThenVideosOfAFolderButNotOfItsSubfolders) {
  EXPECT_THAT(Names(root()), ElementsAre("a.jpg", "b.jpg", "v.avi"));
}

TEST_F(MediaSource, TakesFilesAndPatterns) {
  EXPECT_THAT(Names(root() / "b.jpg"), ElementsAre("b.jpg"));
  EXPECT_THAT(Names((root() / "*" / "*.jpg").string()), ElementsAre("c.jpg"));
}

TEST_F(MediaSource, ListsKeepTheirOrderAndMayBeRelativeToThemselves) {
  testing::WriteText(root() / "list.txt",
                     "\xEF\xBB\xBF"
                     "b.jpg\r\n\n./inner/c.jpg\n" +
                         (root() / "a.jpg").string() + "\n");
  EXPECT_THAT(Names(root() / "list.txt"), ElementsAre("b.jpg", "c.jpg", "a.jpg"));
  testing::WriteText(root() / "list.csv", "path,label\n\"b.jpg\",1\n");
  EXPECT_THAT(Names(root() / "list.csv"), ElementsAre("b.jpg"));
}

TEST_F(MediaSource, SaysWhatASourceMayBe) {
  const auto refused = [](const std::string& source) {
    try {
      (void)FindMedia(source);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refused("/nowhere"), HasSubstr("a source is an image"));
  EXPECT_THAT(refused("https://a.b/c.jpg"), HasSubstr("addresses are not opened"));
  EXPECT_THAT(refused("0"), HasSubstr("cameras are not opened"));
  EXPECT_THAT(refused(root() / "note.md"), HasSubstr("no image"));
}

TEST_F(MediaSource, ReadsFramesOfVideosAndPassesOverWhatIsBroken) {
  testing::WriteText(root() / "aa.jpg", "broken");
  const MediaList list = FindMedia(root());
  MediaReader reader(list, 2, nullptr);
  MediaFrame frame;
  std::vector<std::pair<std::string, std::int64_t>> seen;
  while (reader.Next(&frame))
    seen.emplace_back(std::filesystem::path(frame.path).filename(), frame.frame);
  EXPECT_THAT(seen, ElementsAre(std::pair("a.jpg", 0), std::pair("b.jpg", 0), std::pair("v.avi", 1),
                                std::pair("v.avi", 2)));
  EXPECT_EQ(frame.frame_count, 2);
  EXPECT_EQ(reader.unreadable(), 1);
}

TEST_F(MediaSource, TakesSeveralSourcesInTheirOrder) {
  const std::vector<std::string> sources = {root() / "b.jpg", root() / "inner"};
  const MediaList list = FindMedia(sources);
  ASSERT_EQ(list.images.size(), 2U);
  EXPECT_THAT(list.images.Path(0), HasSubstr("b.jpg"));
  EXPECT_THAT(list.images.Path(1), HasSubstr("c.jpg"));
}

TEST_F(MediaSource, PassesOverPicturesThatDoNotFitTheBudget) {
  Image large({600, 800});
  std::fill_n(large.data(), large.size().PixelBytes().count(), std::uint8_t{9});
  WriteJpeg(root() / "aa.jpg", large.view());
  const MediaList list = FindMedia((root() / "*.jpg").string());
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(1), "test", ledger);
  {
    MediaReader reader(list, 1, &budget);
    MediaFrame frame;
    std::vector<std::string> seen;
    while (reader.Next(&frame)) seen.push_back(std::filesystem::path(frame.path).filename());
    EXPECT_THAT(seen, ElementsAre("a.jpg", "b.jpg"));
    EXPECT_EQ(reader.unreadable(), 1);
    EXPECT_EQ(reader.too_large(), 1);
    EXPECT_GE(budget.used(), frame.bgr.NumBytes());
  }
  EXPECT_EQ(budget.used(), Bytes());
}

}  // namespace
}  // namespace headroom
