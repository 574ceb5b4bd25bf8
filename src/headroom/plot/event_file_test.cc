// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/event_file.h"

#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>

#include <string>

namespace headroom {
namespace {

using testing::TempDir;

std::string Hex(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

TEST(Crc32cTest, FollowsTheVectorsOfRfc3720) {
  EXPECT_EQ(internal::Crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(internal::Crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(internal::Crc32c("123456789"), 0xE3069283U);
}

// The bytes that the Python package tensorboard 2.21.0 writes for the same events.
TEST(EventFileTest, RecordsAreThoseOfTensorBoard) {
  EXPECT_EQ(Hex(internal::FrameRecord(internal::VersionEvent(1700000000.5))),
            "1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b353110");
  EXPECT_EQ(Hex(internal::FrameRecord(
                internal::ScalarEvent("train/box_loss", 300, 0.75F, 1700000001.25))),
            "2500000000000000eabc36f30900005040fc54d94110ac022a170a150a0e747261696e2f626f785f6c6f73"
            "73150000403f530d4295");
}

TEST(EventFileTest, FileHoldsTheVersionThenTheScalars) {
  const TempDir dir;
  std::filesystem::path path;
  {
    EventFileWriter writer(dir.path(), 1700000000.5);
    path = writer.path();
    writer.AddScalar("a", 1, 0.5, 1700000001);
    writer.AddScalar("b/c", 2, 1.5, 1700000002);
  }
  EXPECT_THAT(path.filename().string(), ::testing::StartsWith("events.out.tfevents.1700000000."));
  EXPECT_EQ(*ReadFile(path),
            internal::FrameRecord(internal::VersionEvent(1700000000.5)) +
                internal::FrameRecord(internal::ScalarEvent("a", 1, 0.5F, 1700000001)) +
                internal::FrameRecord(internal::ScalarEvent("b/c", 2, 1.5F, 1700000002)));
}

TEST(EventFileTest, AMissingFolderDoesNotEndTheRun) {
  EventFileWriter writer("/nonexistent/folder", 1);
  writer.AddScalar("a", 1, 1, 1);
  writer.Flush();
}

}  // namespace
}  // namespace headroom
