// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/export_metadata.h"

#include "headroom/deploy/python_dict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

using Properties = std::vector<std::pair<std::string, std::string>>;

Properties Good() {
  return {{"stride", "32"},
          {"task", "detect"},
          {"batch", "1"},
          {"imgsz", "[320, 640]"},
          {"names", "{0: 'person', 1: \"driver's\"}"},
          {"args", "{'batch': 1, 'nms': None, 'dynamic': False}"},
          {"end2end", "False"}};
}

Properties With(const std::string& key, const std::string& value) {
  Properties properties = Good();
  for (auto& [name, text] : properties) {
    if (name == key) text = value;
  }
  return properties;
}

TEST(PythonDict, ReadsWhatPythonPrints) {
  EXPECT_THAT(*ParsePythonDict("{0: 'it\\'s', 'b': None, \"c\": -1.5}"),
              ElementsAre(Pair("0", "it's"), Pair("b", "None"), Pair("c", "-1.5")));
  EXPECT_TRUE(ParsePythonDict("{}")->empty());
  for (const char* bad :
       {"", "{", "{0: 'a'", "{0 'a'}", "{0: 'a'} x", "{0: 'a', }", "[1]", "{0: '"})
    EXPECT_FALSE(ParsePythonDict(bad).has_value()) << bad;
}

TEST(PythonDict, QuotesAsPythonDoes) {
  EXPECT_EQ(PythonQuoted("a"), "'a'");
  EXPECT_EQ(PythonQuoted("it's"), "\"it's\"");
  EXPECT_EQ(PythonQuoted("it's \"x\"\\\n"), "'it\\'s \"x\"\\\\\\n'");
}

TEST(ReadMetadata, ReadsTheReferencesKeys) {
  const Result<DetectorFacts> facts = ReadMetadata(Good());
  ASSERT_TRUE(facts.ok()) << facts.error();
  EXPECT_EQ(facts->stride, 32);
  EXPECT_EQ(facts->image_size, (ImageSize{320, 640}));
  EXPECT_THAT(facts->names, ElementsAre("person", "driver's"));
  EXPECT_TRUE(facts->fixed_size);
  EXPECT_FALSE(facts->end_to_end);
}

TEST(ReadMetadata, KnowsRowsThatAreFinal) {
  EXPECT_TRUE(ReadMetadata(With("end2end", "True"))->end_to_end);
  EXPECT_TRUE(ReadMetadata(With("args", "{'nms': True}"))->end_to_end);
  EXPECT_FALSE(ReadMetadata(With("args", "{'dynamic': True}"))->fixed_size);
}

TEST(ReadMetadata, NamesWhatIsWrong) {
  EXPECT_THAT(ReadMetadata(With("names", "{1: 'a'}")).error(), HasSubstr("'names'"));
  EXPECT_THAT(ReadMetadata(With("imgsz", "[640]")).error(), HasSubstr("'imgsz'"));
  EXPECT_THAT(ReadMetadata(With("stride", "x")).error(), HasSubstr("'stride'"));
  EXPECT_THAT(ReadMetadata(With("task", "segment")).error(), HasSubstr("segment"));
  EXPECT_THAT(ReadMetadata({}).error(), HasSubstr("nothing for 'stride'"));
}

}  // namespace
}  // namespace headroom
