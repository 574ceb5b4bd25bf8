// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/file_lock.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/testing/temp_dir.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

namespace headroom {
namespace {

TEST(FileLock, ASecondIsToldWhoHoldsIt) {
  const testing::TempDir dir;
  const auto path = dir.path() / "run.lock";
  auto first = FileLock::Take(path, "process 1 of host a");
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE((*first)->excludes());
  const auto second = FileLock::Take(path, "process 2 of host b");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error(), "process 1 of host a");
}

TEST(FileLock, GoesWithItsHolder) {
  const testing::TempDir dir;
  const auto path = dir.path() / "run.lock";
  {
    ASSERT_TRUE(FileLock::Take(path, "a").ok());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(FileLock::Take(path, "b").ok());
}

TEST(FileLock, OfAKilledProcessIsFree) {
  const testing::TempDir dir;
  const auto path = dir.path() / "run.lock";
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileLock::Take(path, "a process that is killed");
    WriteFileAtomic(dir.path() / "locked", lock.ok() ? "yes" : "no");
    while (true) ::pause();
  }
  while (!std::filesystem::exists(dir.path() / "locked")) ::usleep(1000);
  const auto refused = FileLock::Take(path, "a later one");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error(), "a process that is killed");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_TRUE(FileLock::Take(path, "a later one").ok());
}

TEST(FileLock, WhereNothingCanBeWrittenIsAWriteError) {
  const testing::TempDir dir;
  EXPECT_THROW((void)FileLock::Take(dir.path() / "none" / "run.lock", "a"), WriteError);
}

}  // namespace
}  // namespace headroom
