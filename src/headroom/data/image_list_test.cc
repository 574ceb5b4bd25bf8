// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/image_list.h"

#include "headroom/core/error.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>

#include <filesystem>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempDir;
using testing::WriteText;

class ListImagesTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string At(const std::string& name) const {
    return (dir_.path() / name).string();
  }
  void Touch(const std::string& name) const { WriteText(dir_.path() / name, ""); }
  static std::vector<std::string> List(const std::vector<std::string>& sources) {
    const PathTable table = ListImages(sources, "train");
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < table.size(); ++i) paths.push_back(table.Path(i));
    return paths;
  }
  static std::string ErrorOf(const std::vector<std::string>& sources) {
    try {
      (void)ListImages(sources, "train");
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  }
  TempDir dir_;
};

TEST_F(ListImagesTest, SearchesFoldersRecursivelyAndSorts) {
  for (const char* name : {"i/b.jpg", "i/a.PNG", "i/sub/c.webp", "i/notes.txt", "i/.hidden.jpg",
                           "i/.git/d.jpg", "i/x.gif"}) {
    Touch(name);
  }
  EXPECT_THAT(List({At("i/")}), ElementsAre(At("i/a.PNG"), At("i/b.jpg"), At("i/sub/c.webp")));
}

TEST_F(ListImagesTest, ReadsListsWithByteOrderMarkDotSlashAndWindowsLines) {
  WriteText(dir_.path() / "list.txt",
            "\xEF\xBB\xBF./images/b.jpg\r\n\n/abs/a.jpg\r\nreadme\nrel/c.jpg");
  EXPECT_THAT(List({At("list.txt")}), ElementsAre("/abs/a.jpg", At("images/b.jpg"), "rel/c.jpg"));
}

TEST_F(ListImagesTest, JoinsSeveralSourcesAndKeepsRepeats) {
  Touch("one/z.jpg");
  Touch("two/a.jpg");
  WriteText(dir_.path() / "list.txt", "./one/z.jpg\n");
  EXPECT_THAT(List({At("two"), At("one"), At("list.txt")}),
              ElementsAre(At("one/z.jpg"), At("one/z.jpg"), At("two/a.jpg")));
}

TEST_F(ListImagesTest, FollowsLinksButNotForEver) {
  Touch("i/a.jpg");
  Touch("elsewhere/b.jpg");
  std::filesystem::create_directory_symlink(At("elsewhere"), At("i/link"));
  EXPECT_THAT(List({At("i")}), ElementsAre(At("i/a.jpg"), At("i/link/b.jpg")));
  std::filesystem::create_directory_symlink("..", At("elsewhere/loop"));
  EXPECT_THAT(List({At("i")}), ElementsAre(At("i/a.jpg"), At("i/link/b.jpg")));
}

TEST_F(ListImagesTest, SaysWhatIsMissing) {
  EXPECT_THAT(ErrorOf({At("none")}), HasSubstr("none does not exist"));
  std::filesystem::create_directory(At("empty"));
  EXPECT_THAT(ErrorOf({At("empty")}), HasSubstr("no image in " + At("empty")));
  EXPECT_THAT(ErrorOf({}), HasSubstr("no image"));
}

TEST(LabelPathOf, ReplacesTheLastImagesFolder) {
  EXPECT_EQ(LabelPathOf("/images/a/images/b.c.jpg"), "/images/a/labels/b.c.txt");
  EXPECT_EQ(LabelPathOf("photos/b.jpg"), "photos/b.txt");
  EXPECT_EQ(LabelPathOf("images/b.jpg"), "images/b.txt");  // No slash before: as the reference.
}

}  // namespace
}  // namespace headroom
