// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/progress_line.h"

#include "headroom/core/strings.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

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

TEST(ProgressLine, KeepsWhatIsNeededMostWhereItIsNarrow) {
  EXPECT_EQ(ProgressLine(Event(), 10, 40), "5/60  50% loss 2.875 RAM 1.5/18G");
  EXPECT_EQ(ProgressLine(Event(), 10, 80),
            "5/60  50% loss 1.25 0.5 1.12 RAM 1.5/18G 10.0s<10.0s 31.4 images/s");
  EXPECT_EQ(ProgressLine(Event(), 10, 20), "5/60  50% loss 2.87");
}

TEST(ProgressLine, HasABarOnATerminalOnly) {
  EXPECT_NE(ProgressLine(Event(), 10, 150).find("━"), std::string::npos);
  EXPECT_EQ(ProgressLine(Event(), 10, 0).find("━"), std::string::npos);
}

TEST(ValidationLine, NeverWrapsAndFitsItsResultToTheWidth) {
  DetectionMetrics metrics;
  metrics.precision = metrics.recall = metrics.map50 = metrics.map50_95 = 0.12345;
  for (int width = 12; width < 200; ++width) {
    EXPECT_LT(Columns(ValidationLine(3, 5, width)), width) << width;
    for (const std::string_view line : Split(ValidationFound(metrics, width), '\n'))
      EXPECT_LT(Columns(std::string(line)), width) << width;
  }
  EXPECT_EQ(ValidationLine(3, 5, 40), "Validating:  60% ━━━━━━━───── 3/5");
  EXPECT_EQ(ValidationFound(metrics, 40), "mAP50 0.123 mAP50-95 0.123");
  EXPECT_EQ(ValidationFound(metrics, 60), "mAP50 0.123 mAP50-95 0.123 P 0.123 R 0.123");
  EXPECT_EQ(ValidationFound(metrics, 0), ValidationFound(metrics, 100));
}

TEST(EpochLine, HasAnEpochInOneLine) {
  EpochEvent event{.epoch = 4, .seconds = 65, .train_items = {1.25, 0.5, 1.125}, .val_items = {}};
  EXPECT_EQ(EpochLine(event, Event()), "5/60 loss 2.875 1:05 31.4 images/s RAM 1.5/18G");
  event.validated = true;
  event.metrics.map50 = 0.5;
  event.metrics.map50_95 = 0.25;
  EXPECT_EQ(EpochLine(event, Event()),
            "5/60 loss 2.875 mAP50 0.5 mAP50-95 0.25 1:05 31.4 images/s RAM 1.5/18G");
}

TEST(ProgressLine, DurationsAreReadable) {
  EXPECT_EQ(Duration(59.94), "59.9s");
  EXPECT_EQ(Duration(65), "1:05");
  EXPECT_EQ(Duration(3723), "1:02:03");
}

}  // namespace
}  // namespace headroom
