// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/image_decoder.h"

#include "headroom/testing/shared_files.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <cstring>

namespace headroom {
namespace {

using testing::EncodeImage;
using ::testing::HasSubstr;
using testing::SyntheticPixels;
using testing::TempDir;
using testing::WithOrientation;
using testing::WriteBytes;

void ExpectEqual(const cv::Mat& expected, const Image& got, const std::string& what) {
  ASSERT_EQ(got.size(), (ImageSize{expected.rows, expected.cols})) << what;
  ASSERT_TRUE(expected.isContinuous());
  const std::size_t bytes = got.size().PixelBytes().count();
  EXPECT_EQ(std::memcmp(expected.data, got.data(), bytes), 0) << what;
}

class ImageDecoderTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::vector<std::uint8_t>& file) {
    const auto path = dir_.path() / name;
    WriteBytes(path, file);
    return path.string();
  }
  TempDir dir_;
  ImageDecoder decoder_;
  Image image_;
};

TEST_F(ImageDecoderTest, PixelsAreThoseOfImreadInEveryFormat) {
  const auto pixels = SyntheticPixels(61, 83, 1);
  for (const std::string suffix : {"jpg", "png", "bmp", "webp", "tif", "jp2"}) {
    const std::string path = Write("a." + suffix, EncodeImage(pixels, 61, 83, suffix));
    const cv::Mat bgr = cv::imread(path);
    ASSERT_FALSE(bgr.empty()) << suffix;
    const auto info = decoder_.Decode(path, {}, &image_);
    ASSERT_TRUE(info.ok()) << suffix << info.error();
    ExpectEqual(bgr, image_, suffix);
    cv::Mat rgb;
    cv::cvtColor(bgr, rgb, cv::COLOR_BGR2RGB);
    ASSERT_TRUE(decoder_.Decode(path, {.order = ColorOrder::kRgb}, &image_).ok());
    ExpectEqual(rgb, image_, suffix + " rgb");
  }
}

TEST_F(ImageDecoderTest, PixelsAreThoseOfImreadForEveryKindOfJpeg) {
  const auto pixels = SyntheticPixels(61, 83, 1);
  for (const int progressive : {0, 1}) {
    for (const int quality : {30, 95, 100}) {
      const std::string path =
          Write("a.jpg", EncodeImage(pixels, 61, 83, "jpg",
                                     {cv::IMWRITE_JPEG_PROGRESSIVE, progressive,
                                      cv::IMWRITE_JPEG_QUALITY, quality}));
      ASSERT_TRUE(decoder_.Decode(path, {}, &image_).ok());
      ExpectEqual(cv::imread(path), image_, "quality " + std::to_string(quality));
    }
  }
  cv::Mat grey(61, 83, CV_8UC1);
  cv::randu(grey, 0, 255);
  const std::string path = (dir_.path() / "grey.jpg").string();
  cv::imwrite(path, grey);
  ASSERT_TRUE(decoder_.Decode(path, {}, &image_).ok());
  ExpectEqual(cv::imread(path), image_, "grey");
}

TEST_F(ImageDecoderTest, PixelsAreThoseOfImreadForDeepAndTransparentPngs) {
  for (const int type : {CV_8UC1, CV_8UC4, CV_16UC1, CV_16UC3}) {
    cv::Mat source(31, 43, type);
    cv::randu(source, 0, 65535);
    const std::string path = (dir_.path() / "a.png").string();
    cv::imwrite(path, source);
    ASSERT_TRUE(decoder_.Decode(path, {}, &image_).ok());
    ExpectEqual(cv::imread(path), image_, "type " + std::to_string(type));
  }
}

TEST_F(ImageDecoderTest, TurnsEveryOrientationAsImreadDoes) {
  const auto pixels = SyntheticPixels(37, 53, 1);
  for (const std::string suffix : {"jpg", "png"}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const std::string path =
          Write("a." + suffix, WithOrientation(EncodeImage(pixels, 37, 53, suffix), orientation));
      const auto info = decoder_.Decode(path, {}, &image_);
      ASSERT_TRUE(info.ok()) << info.error();
      EXPECT_EQ(info->size, image_.size());
      ExpectEqual(cv::imread(path), image_, suffix + std::to_string(orientation));
    }
  }
}

TEST_F(ImageDecoderTest, AScaledDecodeIsTurnedAndTellsTheSourcesSize) {
  const auto file = WithOrientation(EncodeImage(SyntheticPixels(160, 320, 1), 160, 320, "jpg"), 6);
  const auto info = decoder_.Decode(file, {.min_long_side = 70}, &image_);
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->size, (ImageSize{320, 160}));
  EXPECT_EQ(image_.size(), (ImageSize{80, 40}));
}

TEST_F(ImageDecoderTest, SharedPhotographsAreThoseOfImread) {
  HEADROOM_NEEDS_SHARED("data/bccd/images/val");
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(testing::SharedFile("data/bccd/images/val"))) {
    const std::string path = entry.path().string();
    ASSERT_TRUE(decoder_.Decode(path, {}, &image_).ok());
    ExpectEqual(cv::imread(path), image_, path);
    if (++count == 10) break;
  }
}

TEST_F(ImageDecoderTest, IsAskedBeforeItReadsAndToldWhatItMayHold) {
  const auto pixels = SyntheticPixels(200, 300, 1);
  const std::string path = Write("a.png", EncodeImage(pixels, 200, 300, "png"));
  DecodeNeed asked;
  const DecodeAdmission refuse = [&](const ImageInfo& info, const DecodeNeed& need) {
    EXPECT_EQ(info.size, (ImageSize{200, 300}));
    asked = need;
    return Result<Bytes>(Failure{"no room"});
  };
  EXPECT_EQ(decoder_.Decode(path, {}, refuse, &image_).error(), "no room");
  EXPECT_EQ(decoder_.NumBytes() + image_.NumBytes(), Bytes());
  EXPECT_GT(asked.file, Bytes(std::filesystem::file_size(path)));
  EXPECT_EQ(asked.pixels, Bytes(200 * 300 * 3));
  const DecodeAdmission allow = [&](const ImageInfo&, const DecodeNeed&) {
    return Result<Bytes>(asked.Total());
  };
  ASSERT_TRUE(decoder_.Decode(path, {}, allow, &image_).ok());
  EXPECT_EQ(image_.size(), (ImageSize{200, 300}));
}

TEST_F(ImageDecoderTest, GivesBackWhatEarlierImagesLeftWhereItWouldBeTooMuch) {
  // A large file of few pixels, and many pixels in a small file: both buffers do not fit.
  auto large_file = EncodeImage(SyntheticPixels(16, 16, 1), 16, 16, "png");
  const std::vector<std::uint8_t> text(1 << 20);  // Behind the end: bytes that change no pixel.
  large_file.insert(large_file.end(), text.begin(), text.end());
  const std::string file = Write("file.png", large_file);
  const std::vector<std::uint8_t> grey(600 * 600 * 3, 128);
  const std::string many = Write("pixels.png", EncodeImage(grey, 600, 600, "png"));
  Bytes share;
  const DecodeAdmission largest = [&](const ImageInfo&, const DecodeNeed& need) {
    share = std::max(share, need.Total());
    return Result<Bytes>(share);
  };
  for (const std::string& path : {file, many, file, many}) {
    ASSERT_TRUE(decoder_.Decode(path, {}, largest, &image_).ok());
    EXPECT_LE(decoder_.NumBytes() + image_.NumBytes(), share);
  }
  const std::uint8_t* memory = image_.data();
  ASSERT_TRUE(decoder_.Decode(many, {}, largest, &image_).ok());
  EXPECT_EQ(image_.data(), memory);  // What fits stays.
}

TEST_F(ImageDecoderTest, AFileThatIsWrittenOverWhileItIsReadIsRefused) {
  const std::string path = Write("a.png", EncodeImage(SyntheticPixels(20, 20, 1), 20, 20, "png"));
  const DecodeAdmission replace = [&](const ImageInfo&, const DecodeNeed& need) {
    // In place: the open file sees it.
    Write("a.png", EncodeImage(SyntheticPixels(90, 90, 1), 90, 90, "png"));
    return Result<Bytes>(need.Total());
  };
  EXPECT_FALSE(decoder_.Decode(path, {}, replace, &image_).ok());
  // Another file under the name: the open one is decoded.
  const DecodeAdmission rename = [&](const ImageInfo&, const DecodeNeed& need) {
    std::filesystem::rename(Write("b.png", {1, 2, 3}), path);
    return Result<Bytes>(need.Total());
  };
  Write("a.png", EncodeImage(SyntheticPixels(20, 20, 1), 20, 20, "png"));
  EXPECT_TRUE(decoder_.Decode(path, {}, rename, &image_).ok());
}

TEST_F(ImageDecoderTest, ReusesTheCallersMemory) {
  const auto large = EncodeImage(SyntheticPixels(80, 90, 1), 80, 90, "jpg");
  const auto small = EncodeImage(SyntheticPixels(40, 50, 1), 40, 50, "png");
  ASSERT_TRUE(decoder_.Decode(large, {}, &image_).ok());
  const std::uint8_t* memory = image_.data();
  ASSERT_TRUE(decoder_.Decode(small, {}, &image_).ok());
  EXPECT_EQ(image_.size(), (ImageSize{40, 50}));
  EXPECT_EQ(image_.data(), memory);
}

TEST_F(ImageDecoderTest, BrokenAndTruncatedFilesAreFailuresThatPrintNothing) {
  const auto pixels = SyntheticPixels(61, 83, 1);
  for (const std::string suffix : {"jpg", "png", "bmp", "webp", "tif", "jp2"}) {
    auto file = EncodeImage(pixels, 61, 83, suffix);
    const std::string half =
        Write("half." + suffix, {file.begin(), file.begin() + static_cast<int>(file.size() / 2)});
    ::testing::internal::CaptureStderr();
    const auto decoded = decoder_.Decode(half, {}, &image_);
    const auto verified = decoder_.Verify(half);
    const std::string printed = ::testing::internal::GetCapturedStderr();
    if (suffix != "jp2") {  // OpenJPEG fills what is missing.
      EXPECT_FALSE(decoded.ok()) << suffix;
      EXPECT_FALSE(verified.ok()) << suffix;
    }
    EXPECT_EQ(printed, "") << suffix;
  }
  EXPECT_FALSE(decoder_.Decode((dir_.path() / "none.jpg").string(), {}, &image_).ok());
  EXPECT_FALSE(decoder_.Decode(dir_.path().string(), {}, &image_).ok());
  EXPECT_FALSE(decoder_.Decode(Write("empty.jpg", {}), {}, &image_).ok());
}

TEST_F(ImageDecoderTest, NoFlippedByteCrashes) {
  const auto pixels = SyntheticPixels(24, 32, 1);
  for (const std::string suffix : {"jpg", "png", "bmp", "webp", "tif"}) {
    const auto file = EncodeImage(pixels, 24, 32, suffix);
    ::testing::internal::CaptureStderr();
    for (std::size_t i = 0; i < file.size(); i += 1 + file.size() / 300) {
      auto damaged = file;
      damaged[i] ^= 0x5A;
      // A damaged size may ask for a gigabyte, which is right but slow.
      const auto info = ReadImageInfo(damaged);
      if (info.ok() && info->size.PixelBytes() < Bytes::MiB(8))
        (void)decoder_.Decode(damaged, {}, &image_);
    }
    (void)::testing::internal::GetCapturedStderr();
  }
}

TEST_F(ImageDecoderTest, AJpegWithoutItsEndMarkerIsAcceptedAndNotRewritten) {
  auto file = EncodeImage(SyntheticPixels(61, 83, 1), 61, 83, "jpg");
  const std::string whole = Write("whole.jpg", file);
  file.resize(file.size() - 2);
  const std::string path = Write("cut.jpg", file);
  const auto info = decoder_.Verify(path);
  ASSERT_TRUE(info.ok()) << info.error();
  ASSERT_TRUE(decoder_.Decode(path, {}, &image_).ok());
  ExpectEqual(cv::imread(whole), image_, "without end marker");
  EXPECT_EQ(std::filesystem::file_size(path), file.size());
  file.insert(file.end(), 100, 0);  // Padded, as some cameras do.
  EXPECT_TRUE(decoder_.Verify(Write("padded.jpg", file)).ok());
  file.resize(file.size() - 300);
  const auto truncated = decoder_.Verify(Write("truncated.jpg", file));
  ASSERT_FALSE(truncated.ok());
  EXPECT_THAT(truncated.error(), HasSubstr("truncated JPEG"));
}

TEST_F(ImageDecoderTest, VerifyRefusesTinyImagesAndWrongChecksums) {
  EXPECT_THAT(
      decoder_.Verify(Write("tiny.png", EncodeImage(SyntheticPixels(9, 50, 1), 9, 50, "png")))
          .error(),
      HasSubstr("at least 10 px"));
  auto file = EncodeImage(SyntheticPixels(20, 50, 1), 20, 50, "png");
  EXPECT_TRUE(decoder_.Verify(Write("good.png", file)).ok());
  file[file.size() / 2] ^= 1;
  EXPECT_THAT(decoder_.Verify(Write("bad.png", file)).error(), HasSubstr("wrong checksum"));
}

TEST(EstimateDecode, CountsFilePixelsTurnAndCoefficients) {
  ImageInfo info{.format = ImageFormat::kJpeg, .size = {3000, 4000}};
  const Bytes file = Bytes::MiB(4);
  const auto peak = [&](const DecodeOptions& options) {
    return EstimateDecode(info, file, options).Total();
  };
  const Bytes full = peak({});
  const Bytes scaled = peak({.min_long_side = 640});
  EXPECT_GT(full, file + Bytes(3000 * 4000 * 3));
  EXPECT_LT(full, file + Bytes(3000 * 4000 * 3) + Bytes::MiB(1));
  EXPECT_EQ(full - scaled, Bytes((3000 * 4000 - 750 * 1000) * 3));
  info.codec_bytes = 12345678;
  EXPECT_EQ(peak({}), full + Bytes(12345678));
  info.codec_bytes = 0;
  info.orientation = Orientation::kRotated90;
  EXPECT_EQ(peak({}), full + Bytes(3000 * 4000 * 3));
  info.format = ImageFormat::kPng;  // Cannot be scaled.
  EXPECT_EQ(peak({.min_long_side = 10}), full + Bytes(3000 * 4000 * 3));
}

}  // namespace
}  // namespace headroom
