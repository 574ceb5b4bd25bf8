// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/label_file.h"

#include "headroom/core/rng.h"

#include <gmock/gmock.h>

namespace headroom {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LabelFileTest : public ::testing::Test {
 protected:
  Result<LabelFileParser::Report> Parse(std::string_view text, int num_classes = 3) {
    return parser_.Parse(text, "a.txt", num_classes, &rows_);
  }
  std::string ErrorOf(std::string_view text, int num_classes = 3) {
    const auto result = Parse(text, num_classes);
    EXPECT_FALSE(result.ok()) << text;
    return result.ok() ? "" : result.error();
  }
  LabelFileParser parser_;
  LabelRows rows_;
};

TEST_F(LabelFileTest, ReadsBoxes) {
  ASSERT_TRUE(Parse("\xEF\xBB\xBF"
                    "2 .5 0.25 1e-1 +0.2\r\n\n  0.0\t0 1 1.01 0\n")
                  .ok());
  EXPECT_THAT(rows_.class_ids, ElementsAre(2, 0));
  EXPECT_THAT(rows_.boxes, ElementsAre(Xywh{.5F, .25F, .1F, .2F}, Xywh{0, 1, 1.01F, 0}));
  EXPECT_THAT(rows_.boxes_per_image, ElementsAre(2));
  EXPECT_THAT(rows_.floats_per_polygon, ElementsAre(0, 0));
}

TEST_F(LabelFileTest, AnEmptyFileIsAnImageWithoutBoxes) {
  ASSERT_TRUE(Parse("").ok());
  ASSERT_TRUE(Parse(" \n\n").ok());
  EXPECT_THAT(rows_.boxes_per_image, ElementsAre(0, 0));
}

TEST_F(LabelFileTest, ReadsEachLineByItsOwnColumnCount) {
  // The reference drops an image whose file mixes the two.
  ASSERT_TRUE(Parse("0 .5 .5 .2 .2\n1 .1 .1 .5 .1 .3 .6\n").ok());
  EXPECT_EQ(rows_.boxes[0], (Xywh{.5F, .5F, .2F, .2F}));
  EXPECT_NEAR(rows_.boxes[1].x, .3, 1e-6);
  EXPECT_NEAR(rows_.boxes[1].y, .35, 1e-6);
  EXPECT_NEAR(rows_.boxes[1].w, .4, 1e-6);
  EXPECT_NEAR(rows_.boxes[1].h, .5, 1e-6);
  EXPECT_THAT(rows_.floats_per_polygon, ElementsAre(0, 6));
  EXPECT_THAT(rows_.points, ElementsAre(.1F, .1F, .5F, .1F, .3F, .6F));
}

TEST_F(LabelFileTest, NamesFileLineValueAndWhatIsAllowed) {
  EXPECT_THAT(ErrorOf("0 .5 .5 .2 .2\n0 .5 .5 .2\n"),
              AllOf(HasSubstr("a.txt:2: 4 columns"), HasSubstr("allowed are 5")));
  EXPECT_THAT(ErrorOf("0 .1 .1 .5 .2 .3\n"), HasSubstr("6 columns"));
  EXPECT_THAT(ErrorOf("0 .1 .1 .5 .2 .3 .3 .1\n"), HasSubstr("8 columns"));
  EXPECT_THAT(ErrorOf("\n3 .5 .5 .2 .2\n"), HasSubstr("a.txt:2: class 3, allowed is 0 to 2"));
  EXPECT_TRUE(parser_.failed_on_class());
  EXPECT_THAT(ErrorOf("-1 .5 .5 .2 .2\n"), HasSubstr("class '-1' must be an integer from 0"));
  EXPECT_FALSE(parser_.failed_on_class());
  EXPECT_THAT(ErrorOf("1.5 .5 .5 .2 .2\n"), HasSubstr("class '1.5'"));
  EXPECT_THAT(ErrorOf("1e12 .5 .5 .2 .2\n", 0), HasSubstr("class '1e12'"));
  EXPECT_THAT(ErrorOf("0 nan .5 .2 .2\n"),
              HasSubstr("'nan' is not allowed: coordinates are -0.01 to 1.01"));
  EXPECT_THAT(ErrorOf("0 .5 inf .2 .2\n"), HasSubstr("'inf'"));
  EXPECT_THAT(ErrorOf("0 .5 .5 -.2 .2\n"),
              HasSubstr("width of the box is -0.2, allowed is 0 to 1.01"));
  EXPECT_THAT(ErrorOf("0 .5 1.02 .2 .2\n"), HasSubstr("y of the box is 1.02"));
  EXPECT_THAT(ErrorOf("0 320 240 64 48\n"), HasSubstr("x of the box is 320"));
  EXPECT_THAT(ErrorOf("cat .5 .5 .2 .2\n"), HasSubstr("class 'cat'"));
  EXPECT_THAT(ErrorOf("0,.5,.5,.2,.2\n"), HasSubstr("1 columns"));
  EXPECT_THAT(ErrorOf("0 x\x01y .5 .2 .2\n"), HasSubstr("'x?y' is not a number"));
  EXPECT_TRUE(rows_.boxes.empty());
}

TEST_F(LabelFileTest, AFailureLeavesEarlierImagesAlone) {
  ASSERT_TRUE(Parse("0 .1 .1 .5 .1 .3 .6\n").ok());
  (void)ErrorOf("1 .2 .2 .5 .1 .3 .6\n1 .2\n");
  EXPECT_THAT(rows_.boxes_per_image, ElementsAre(1));
  EXPECT_EQ(rows_.points.size(), 6U);
  EXPECT_EQ(rows_.class_ids.size(), 1U);
}

TEST_F(LabelFileTest, TheToleranceIsThatOfTheReference) {
  EXPECT_TRUE(Parse("0 -0.01 1.01 1.01 0\n").ok());
  EXPECT_FALSE(Parse("0 -0.011 .5 .5 0\n").ok());
  EXPECT_TRUE(Parse("0 .99 .99 .5 .5\n").ok());  // Only centre and size are looked at.
}

TEST_F(LabelFileTest, AnyClassIsAllowedWithoutALimit) {
  ASSERT_TRUE(Parse("2147483647 .5 .5 .2 .2\n", 0).ok());
  EXPECT_THAT(rows_.class_ids, ElementsAre(2147483647));
}

TEST_F(LabelFileTest, RubbishIsAFailureOrGoodRows) {
  constexpr std::string_view kLetters = "0123456789.-+e \n\t\rnaif,x";
  Rng rng(1);
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    for (std::uint64_t k = rng.Below(60); k > 0; --k) text += kLetters[rng.Below(kLetters.size())];
    (void)Parse(text);
  }
  EXPECT_EQ(rows_.boxes.size(), rows_.class_ids.size());
  EXPECT_EQ(rows_.boxes.size(), rows_.floats_per_polygon.size());
  for (const Xywh& box : rows_.boxes) EXPECT_TRUE(box.w >= 0 && box.w <= 1.01F);
}

TEST_F(LabelFileTest, DuplicatesAreRemovedAndTheRestSorted) {
  const auto report = Parse("1 .5 .5 .2 .2\n0 .1 .1 .5 .1 .3 .6\n1 .5 .5 .2 .2\n0 .1 .1 .1 .1\n");
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->duplicates, 1);
  EXPECT_THAT(rows_.class_ids, ElementsAre(0, 0, 1));
  EXPECT_EQ(rows_.boxes[0].w, .1F);
  EXPECT_THAT(rows_.floats_per_polygon, ElementsAre(0, 6, 0));
  EXPECT_EQ(rows_.points.size(), 6U);
}

}  // namespace
}  // namespace headroom
