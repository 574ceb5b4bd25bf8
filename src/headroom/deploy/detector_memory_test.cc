// SPDX-License-Identifier: Apache-2.0
// What detectors and the exporter hold, against what they reserve.
#include "headroom/core/error.h"
#include "headroom/deploy/export_test_data.h"
#include "headroom/deploy/exported_detector.h"
#include "headroom/deploy/onnx_export.h"
#include "headroom/monitor/host_memory.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <string>

namespace headroom {
namespace {

using ::testing::HasSubstr;

// Bytes of the heap that grew while something was done.
class Growth {
 public:
  Growth() {
    // As the program does: what is freed goes back at once.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
    ::malloc_trim(0);
    before_ = Now();
  }
  [[nodiscard]] double mib() {
    return static_cast<double>(SaturatingSub(Now(), before_).count()) / (1 << 20);
  }

 private:
  [[nodiscard]] Bytes Now() { return reader_.ReadProcess().rss_anon; }
  HostMemoryReader reader_{SystemRoot{}};
  Bytes before_;
};

double Mib(Bytes bytes) { return static_cast<double>(bytes.count()) / (1 << 20); }

class DetectorMemory : public ::testing::Test {
 protected:
  void Export(int size) {
    const Model model = testing::RandomModel("yolo11n.yaml", 3);
    ExportOnnx(file(), model, testing::OptionsFor(model, 1, size, size));
  }
  [[nodiscard]] std::string file() const { return dir_.path() / "a.onnx"; }
  Ledger ledger_;
  Budget budget_{MemoryPlace::kHost, Bytes::GiB(8), "memory=8G", ledger_};

 private:
  testing::TempDir dir_;
};

TEST_F(DetectorMemory, OpenCvStaysWithinWhatIsReservedForIt) {
  constexpr ImageSize kSize = {960, 960};
  Export(kSize.width);
  Growth growth;
  const auto detector = OpenExportedModel(file(), 1, {}, &budget_);
  std::ranges::fill(detector->Prepare(1, kSize), std::uint8_t{90});
  detector->Run();
  EXPECT_LE(growth.mib(), Mib(budget_.used()));
  EXPECT_GE(growth.mib(), 0.7 * Mib(budget_.used()));
}

TEST_F(DetectorMemory, WhatDoesNotFitIsRefusedBeforeItIsMade) {
  Export(640);
  const auto refused = [&](Bytes limit) {
    budget_.SetLimit(limit, "memory=small");
    try {
      const auto detector = OpenExportedModel(file(), 1, {}, &budget_);
      (void)detector->Prepare(1, {640, 640});
      detector->Run();
    } catch (const BudgetError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refused(Bytes::MiB(20)), HasSubstr("weights asked for"));
  EXPECT_THAT(refused(Bytes::MiB(50)), HasSubstr("activations asked for"));
  EXPECT_EQ(refused(Bytes::MiB(100)), "");
  EXPECT_EQ(budget_.used(), Bytes());
}

}  // namespace
}  // namespace headroom
