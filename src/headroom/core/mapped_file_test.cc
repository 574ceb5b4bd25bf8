// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/mapped_file.h"

#include "headroom/core/file.h"
#include "headroom/testing/temp_dir.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace headroom {
namespace {

using testing::TempDir;

std::int64_t ResidentFileKiB() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::int64_t kib = 0;
    if (word == "RssFile:" && status >> kib) return kib;
  }
  return 0;
}

auto CountOf(const MappedFile& file, char wanted) {
  return std::ranges::count(file.bytes(), static_cast<std::byte>(wanted));
}

TEST(MappedFile, ReleasedPagesLeaveTheResidentSizeAndCanBeReadAgain) {
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  const TempDir dir;
  WriteFileAtomic(dir.path() / "a", std::string(32 * kMiB, 'x'));
  const auto file = MappedFile::Open(dir.path() / "a");
  ASSERT_TRUE(file.ok()) << file.error();
  const std::int64_t before = ResidentFileKiB();
  EXPECT_EQ(CountOf(*file, 'x'), 32 * kMiB);
  EXPECT_GT(ResidentFileKiB(), before + 24 * 1024);
  MappedFile::Release(file->bytes().subspan(5, 32 * kMiB - 10));
  EXPECT_LT(ResidentFileKiB(), before + 8 * 1024);
  EXPECT_EQ(CountOf(*file, 'x'), 32 * kMiB);
}

TEST(MappedFile, EmptyFilesAndFoldersAreTold) {
  const TempDir dir;
  WriteFileAtomic(dir.path() / "empty", "");
  const auto empty = MappedFile::Open(dir.path() / "empty");
  ASSERT_TRUE(empty.ok()) << empty.error();
  EXPECT_TRUE(empty->bytes().empty());
  MappedFile::Release(empty->bytes());
  EXPECT_FALSE(MappedFile::Open(dir.path()).ok());
}

}  // namespace
}  // namespace headroom
