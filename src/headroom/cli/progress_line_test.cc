// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/progress_line.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

BatchEvent Event() {
  return {.epoch = 4,
          .epochs = 60,
          .batch = 9,
          .batches = 20,
          .mean_items = {1.25, 0.5, 1.125},
          .instances = 120,
          .image_width = 640,
          .images_per_second = 31.4,
          .host_used = Bytes::MiB(1536),
          .host_limit = Bytes::GiB(18),
          .device_used = {},
          .device_limit = {}};
}

// Columns on a terminal: bytes but for the continuation bytes of UTF-8.
int Columns(const std::string& line) {
  int columns = 0;
  for (const char c : line) columns += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return columns;
}

TEST(ProgressLine, HasEverythingWhereThereIsRoom) {
  const std::string line = ProgressLine(Event(), 10, 0);
  for (const char* part : {"5/60", "1.25", "120", "640", "50%", "10/20", "31.4 images/s",
                           "10.0s<10.0s", "RAM 1.5/18G"}) {
    EXPECT_NE(line.find(part), std::string::npos) << part << " in " << line;
  }
  EXPECT_EQ(line.find("GPU"), std::string::npos);
}

TEST(ProgressLine, ShowsTheDeviceWhereOneIsUsed) {
  BatchEvent event = Event();
  event.device_used = Bytes::GiB(4);
  event.device_limit = Bytes::GiB(24);
  EXPECT_NE(ProgressLine(event, 10, 0).find("RAM 1.5/18G GPU 4/24G"), std::string::npos);
}

TEST(ProgressLine, NeverWraps) {
  for (int width = 20; width < 200; ++width)
    EXPECT_LT(Columns(ProgressLine(Event(), 4000, width)), width) << width;
}

TEST(ProgressLine, KeepsTheLossWhereItIsNarrow) {
  EXPECT_NE(ProgressLine(Event(), 10, 40).find("loss 2.875"), std::string::npos);
}

TEST(ProgressLine, DurationsAreReadable) {
  EXPECT_EQ(Duration(59.94), "59.9s");
  EXPECT_EQ(Duration(65), "1:05");
  EXPECT_EQ(Duration(3723), "1:02:03");
}

}  // namespace
}  // namespace headroom
