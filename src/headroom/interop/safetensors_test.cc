// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/safetensors.h"

#include "headroom/core/file.h"
#include "headroom/interop/ultralytics_checkpoint.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string File(const std::string& header, const std::string& data) {
  std::string size;
  for (int i = 0; i < 8; ++i) size.push_back(static_cast<char>(header.size() >> (8 * i)));
  return size + header + data;
}

std::string ErrorOf(const std::string& file) {
  const auto contents = ReadSafetensors(std::as_bytes(std::span(file)));
  return contents ? "no error" : contents.error();
}

std::string Entry(const std::string& fields) {
  return File("{\"a\":{" + fields + "}}", std::string(8, '\0'));
}

TEST(ReadSafetensors, GivesTensorsAsTheyLie) {
  const testing::TempDir dir;
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"late":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
      R"("early":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]}})";
  WriteFileAtomic(
      dir.path() / "a.safetensors",
      File(header, std::string("\x00\x3c\x00\xc0", 4) + std::string("\x00\x00\x80\x3f", 4)));
  const auto contents = ReadCheckpoint(dir.path() / "a.safetensors");
  ASSERT_TRUE(contents.ok()) << contents.error();
  EXPECT_EQ(contents->kind, CheckpointKind::kSafetensors);
  ASSERT_EQ(contents->tensors.size(), 2U);
  EXPECT_EQ(contents->tensors[0].name, "early");
  EXPECT_THAT(AsFloats(contents->tensors[0].data), ElementsAre(1, -2));
  EXPECT_THAT(AsFloats(contents->tensors[1].data), ElementsAre(1));
}

TEST(ReadSafetensors, RefusesWhatDoesNotFitTheFile) {
  EXPECT_EQ(ErrorOf(Entry(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])")), "no error");
  EXPECT_THAT(ErrorOf(Entry(R"("dtype":"F32","shape":[2],"data_offsets":[4,12])")),
              HasSubstr("outside"));
  EXPECT_THAT(ErrorOf(Entry(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])")),
              HasSubstr("outside"));
  EXPECT_THAT(ErrorOf(Entry(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])")),
              HasSubstr("size"));
  EXPECT_THAT(ErrorOf(Entry(R"("dtype":"F32","shape":[-1],"data_offsets":[0,8])")),
              HasSubstr("shape"));
  EXPECT_THAT(ErrorOf(Entry(R"("dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8])")),
              HasSubstr("dtype"));
  EXPECT_THAT(ErrorOf(File("{\"a\":" + std::string(5000, '[') + std::string(5000, ']') + "}", "")),
              HasSubstr("JSON"));
  EXPECT_NE(ErrorOf(File("[]", "")), "no error");
  EXPECT_NE(ErrorOf(""), "no error");
}

}  // namespace
}  // namespace headroom
