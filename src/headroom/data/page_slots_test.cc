// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/page_slots.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>

namespace headroom {
namespace {

std::int64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

TEST(PageSlots, CostMemoryOnlyAsFarAsTheyAreWritten) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers add shadow memory";
#endif
  const std::int64_t before = ResidentBytes();
  PageSlots slots(64, Bytes::MiB(4));
  EXPECT_LT(ResidentBytes() - before, 1 << 20);
  slots.Use(3, Bytes::MiB(2));
  std::memset(slots.Slot(3), 1, 2 << 20);
  EXPECT_GE(ResidentBytes() - before, 2 << 20);
  slots.Use(3, Bytes::KiB(4));
  EXPECT_LT(ResidentBytes() - before, 1 << 20);
  EXPECT_EQ(slots.Slot(3)[0], 1);
}

TEST(PageSlots, NoPlacesCostNothing) {
  PageSlots slots(0, Bytes::MiB(4));
  EXPECT_EQ(slots.count(), 0U);
}

TEST(PageSlots, AreApart) {
  PageSlots slots(3, Bytes(5000));
  EXPECT_EQ(slots.Slot(1) - slots.Slot(0), static_cast<std::ptrdiff_t>(slots.slot_bytes().count()));
  EXPECT_GE(slots.slot_bytes(), Bytes(5000));
}

}  // namespace
}  // namespace headroom
