// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/temporary_file.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <set>
#include <string>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempDir;

std::set<std::string> NamesIn(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.insert(entry.path().filename().string());
  return names;
}

TEST(TryToWriteIn, LeavesNothing) {
  const TempDir dir;
  TryToWriteIn(dir.path());
  EXPECT_THAT(NamesIn(dir.path()), IsEmpty());
}

TEST(TryToWriteIn, FailsWhereAFileWouldFail) {
  const TempDir dir;
  EXPECT_THROW(TryToWriteIn(dir.path() / "none"), WriteError);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 4096;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(TryToWriteIn(dir.path()), WriteError);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(NamesIn(dir.path()), IsEmpty());
}

TEST(RemoveTemporaries, TakesOursAlone) {
  const TempDir dir;
  const auto make = [&](const std::string& name) { WriteFileAtomic(dir.path() / name, "x"); };
  make(TemporaryName(dir.path() / "last.pt").filename().string());
  make(".best.pt.77.3.tmp");
  make(".best.onnx.77.3.tmp");
  for (const char* other : {"last.pt", ".last.pt.tmp", ".a.b.3.tmp", "last.pt.1.2.tmp", ".1.2.tmp"})
    make(other);
  EXPECT_EQ(RemoveTemporaries(dir.path(), ".pt"), 2);
  EXPECT_EQ(RemoveTemporaries(dir.path(), ""), 1);
  EXPECT_THAT(NamesIn(dir.path()),
              ElementsAre(".1.2.tmp", ".a.b.3.tmp", ".last.pt.tmp", "last.pt", "last.pt.1.2.tmp"));
  EXPECT_EQ(RemoveTemporaries(dir.path() / "none", ""), 0);
}

}  // namespace
}  // namespace headroom
