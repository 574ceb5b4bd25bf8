// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/file.h"

#include "headroom/core/error.h"
#include "headroom/testing/temp_dir.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

using testing::TempDir;

TEST(WriteFileAtomic, ReplacesTheFile) {
  const TempDir dir;
  WriteFileAtomic(dir.path() / "a", "one");
  WriteFileAtomic(dir.path() / "a", "two");
  EXPECT_EQ(*ReadFile(dir.path() / "a"), "two");
}

TEST(WriteFileAtomic, FailureLeavesTheOldFileAndNoRemains) {
  const TempDir dir;
  WriteFileAtomic(dir.path() / "a", "one");
  EXPECT_THROW(WriteFileAtomic(dir.path() / "a",
                               [](FileWriter& writer) {
                                 writer.Write("half");
                                 throw WriteError("disk full");
                               }),
               WriteError);
  EXPECT_EQ(*ReadFile(dir.path() / "a"), "one");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(WriteFileAtomic, AFullDiskIsAWriteError) {
  EXPECT_THROW(WriteFileAtomic("/proc/no_such_folder/a", "x"), WriteError);
}

TEST(ReadFile, NamesThePathThatIsMissing) {
  const auto missing = ReadFile("/no/such/file");
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().find("/no/such/file"), std::string::npos);
  EXPECT_FALSE(ReadFile("/tmp").ok());
}

}  // namespace
}  // namespace headroom
