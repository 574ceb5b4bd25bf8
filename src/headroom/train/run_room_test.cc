// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_room.h"

#include "headroom/core/error.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace headroom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr CheckpointFiles kTwo{.each = Bytes::MiB(30), .count = 2, .there = {}};

std::string ErrorOf(const CheckpointFiles& files, const FileRoom& room) {
  try {
    (void)CheckFileRoom("/runs", files, room);
  } catch (const WriteError& error) {
    return error.what();
  }
  return "";
}

TEST(FileRoom, IsFoundHere) {
  const testing::TempDir dir;
  EXPECT_GT(FindFileRoom(dir.path()).free, Bytes());
  EXPECT_EQ(FindFileRoom(dir.path() / "none").free, Bytes::Max());
}

TEST(FileRoom, EnoughOfItIsNotMentioned) {
  EXPECT_THAT(CheckFileRoom("/runs", kTwo, {.free = Bytes::MiB(90)}), IsEmpty());
  EXPECT_THAT(CheckFileRoom("/runs", kTwo, {}), IsEmpty());
}

TEST(FileRoom, ForOneCheckpointIsNeeded) {
  EXPECT_THAT(ErrorOf(kTwo, {.free = Bytes::MiB(29)}),
              AllOf(HasSubstr("30.0 MiB"), HasSubstr("29.0 MiB are free"), HasSubstr("/runs")));
  EXPECT_THAT(ErrorOf(kTwo, {.largest_file = Bytes::MiB(20)}),
              AllOf(HasSubstr("20.0 MiB"), HasSubstr("ulimit -f")));
}

TEST(FileRoom, ThatDoesNotLastIsAWarning) {
  EXPECT_THAT(CheckFileRoom("/runs", kTwo, {.free = Bytes::MiB(60)}),
              AllOf(HasSubstr("WARNING"), HasSubstr("90.0 MiB"), HasSubstr("60.0 MiB are free")));
  // A resumed run's own files are replaced one by one.
  CheckpointFiles resumed = kTwo;
  resumed.there = Bytes::MiB(60);
  EXPECT_THAT(CheckFileRoom("/runs", resumed, {.free = Bytes::MiB(31)}), IsEmpty());
  CheckpointFiles periodic = kTwo;
  periodic.count = 12;
  EXPECT_THAT(CheckFileRoom("/runs", periodic, {.free = Bytes::MiB(200)}), HasSubstr("390 MiB"));
}

}  // namespace
}  // namespace headroom
