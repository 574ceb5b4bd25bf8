// SPDX-License-Identifier: Apache-2.0
// What decoding really holds, in a process of its own, against what the header says that it will.
#include "headroom/image/image_decoder.h"
#include "headroom/testing/picture_kinds.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

namespace headroom {
namespace {

using testing::PictureKind;
using testing::TempDir;

// Large enough that pages, library code and the heap's edges do not matter.
constexpr ImageSize kLarge = {1500, 2100};
// Makes the codec's code and tables resident before anything is measured.
constexpr ImageSize kSmall = {64, 64};

// Runs in a child, whose memory is measured apart; false when it fails or crashes.
bool InChild(const std::function<bool()>& run) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(run() ? 0 : 1);
  int status = -1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

Bytes OfProcess(const std::string& field) {
  std::ifstream status("/proc/self/status");
  std::string name;
  while (status >> name) {
    std::uint64_t kib = 0;
    if (name == field + ":" && status >> kib) return Bytes::KiB(kib);
    status.ignore(1 << 12, '\n');
  }
  return {};
}

class DecodeMemory : public ::testing::TestWithParam<PictureKind> {
 protected:
  DecodeMemory() {
    // As the program does: what is freed goes back at once.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 22);
  }

  // Writes the picture in both sizes, apart: what making it takes is not to be seen here.
  void Make(const std::function<std::vector<std::uint8_t>(std::vector<std::uint8_t>)>& change) {
    ASSERT_TRUE(InChild([&] {
      for (const auto& [path, size] : {std::pair(large(), kLarge), std::pair(small(), kSmall)})
        testing::WriteBytes(path, change(GetParam().make(size.height, size.width)));
      return true;
    })) << GetParam().name;
  }

  [[nodiscard]] static bool Decode(const std::string& path, const DecodeOptions& options,
                                   Image* out, ImageDecoder* decoder) {
    const Result<ImageInfo> info = decoder->Decode(path, options, out);
    if (!info.ok()) std::fprintf(stderr, "%s\n", info.error().c_str());
    return info.ok();
  }

  // Bytes that this process has grown by at the most, with every buffer in use: a worker decodes
  // into what the picture before has filled.
  [[nodiscard]] Bytes Measure(const DecodeOptions& options) const {
    const std::string result = (dir_.path() / "peak").string();
    EXPECT_TRUE(InChild([&] {
      {
        ImageDecoder decoder;
        Image image;
        if (!Decode(small(), options, &image, &decoder)) return false;
      }
      ::malloc_trim(0);
      ImageDecoder decoder;
      Image image;
      const Bytes before = OfProcess("VmRSS");
      for (int i = 0; i < 2; ++i) {
        if (!Decode(large(), options, &image, &decoder)) return false;
      }
      std::ofstream(result) << (OfProcess("VmHWM") - before).count();
      return true;
    }));
    std::uint64_t bytes = 0;
    std::ifstream(result) >> bytes;
    return Bytes(bytes);
  }

  void ExpectPredicted(const DecodeOptions& options, const std::string& what) const {
    const Result<ImageInfo> info = ReadImageInfo(large());
    ASSERT_TRUE(info.ok()) << info.error();
    const Bytes predicted =
        EstimateDecode(*info, Bytes(std::filesystem::file_size(large())), options).Total();
    const Bytes measured = Measure(options);
    const std::string text = GetParam().name + " " + what + ": predicted " + ToString(predicted) +
                             ", measured " + ToString(measured);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)text;  // Their shadow and quarantine count too: only that it decodes.
#else
    EXPECT_GE(predicted, measured) << text;
    EXPECT_LE(predicted.count(), measured.count() * 4 / 3) << text;
#endif
  }

  [[nodiscard]] std::string large() const { return (dir_.path() / "large").string(); }
  [[nodiscard]] std::string small() const { return (dir_.path() / "small").string(); }

 private:
  TempDir dir_;
};

TEST_P(DecodeMemory, IsWhatTheHeaderSaysInBothPixelOrders) {
  Make([](auto file) { return file; });
  ExpectPredicted({.order = ColorOrder::kBgr}, "BGR");
  ExpectPredicted({.order = ColorOrder::kRgb}, "RGB");
}

using TurnedDecodeMemory = DecodeMemory;

TEST_P(TurnedDecodeMemory, IsWhatTheHeaderSaysTurnedAndScaled) {
  for (const int orientation : {3, 6}) {
    Make([&](const auto& file) { return testing::WithOrientation(file, orientation); });
    ExpectPredicted({.order = ColorOrder::kRgb}, "turned " + std::to_string(orientation));
  }
  // Only JPEGs become smaller; the others must say that they do not.
  ExpectPredicted({.order = ColorOrder::kRgb, .min_long_side = 1050}, "turned, at half its size");
}

std::string NameOf(const ::testing::TestParamInfo<PictureKind>& info) {
  std::string name = info.param.name;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

// Of those that the tests can turn.
std::vector<PictureKind> TurnedKinds() {
  std::vector<PictureKind> kinds = testing::PictureKinds();
  std::erase_if(kinds, [](const PictureKind& kind) {
    return !kind.name.starts_with("jpg") && kind.name != "png rgb 8" &&
           kind.name != "png rgba 16 interlaced";
  });
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(EveryKind, DecodeMemory, ::testing::ValuesIn(testing::PictureKinds()),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(TurnedKinds, TurnedDecodeMemory, ::testing::ValuesIn(TurnedKinds()),
                         NameOf);

}  // namespace
}  // namespace headroom
