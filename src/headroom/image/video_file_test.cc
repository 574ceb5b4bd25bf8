// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/video_file.h"

#include "headroom/core/error.h"
#include "headroom/image/image_decoder.h"
#include "headroom/image/image_writer.h"
#include "headroom/testing/temp_dir.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace headroom {
namespace {

Image Grey(ImageSize size, std::uint8_t value) {
  Image image(size);
  std::fill_n(image.data(), size.PixelBytes().count(), value);
  return image;
}

TEST(VideoFile, ReadsBackTheFramesThatWereWritten) {
  const testing::TempDir dir;
  const std::string path = dir.path() / "a.avi";
  {
    VideoWriter writer(path, 10, {48, 64});
    for (int i = 0; i < 5; ++i)
      writer.Write(Grey({48, 64}, static_cast<std::uint8_t>(40 * i)).view());
  }
  Result<VideoReader> reader = VideoReader::Open(path);
  ASSERT_TRUE(reader.ok()) << reader.error();
  EXPECT_EQ(reader->frame_count(), 5);
  EXPECT_DOUBLE_EQ(reader->frames_per_second(), 10);
  Image frame;
  std::vector<int> values;
  while (reader->Next(2, &frame)) values.push_back(frame.data()[0]);  // Frames 1 and 3.
  ASSERT_EQ(values.size(), 2U);
  EXPECT_NEAR(values[0], 40, 3);
  EXPECT_NEAR(values[1], 120, 3);
  EXPECT_EQ(frame.size(), (ImageSize{48, 64}));
}

TEST(VideoFile, SaysWhatCannotBeOpened) {
  EXPECT_FALSE(VideoReader::Open("/nowhere/a.mp4").ok());
  EXPECT_THROW(VideoWriter("/nowhere/a.avi", 10, {48, 64}), WriteError);
}

TEST(VideoFile, KnowsVideosByTheirSuffix) {
  EXPECT_TRUE(HasVideoSuffix("a/b.MP4"));
  EXPECT_FALSE(HasVideoSuffix("a/b.jpg"));
  EXPECT_FALSE(HasVideoSuffix("mp4"));
}

TEST(WriteJpeg, WritesWhatTheDecoderReads) {
  const testing::TempDir dir;
  WriteJpeg(dir.path() / "a.jpg", Grey({20, 30}, 77).view());
  ImageDecoder decoder;
  Image image;
  ASSERT_TRUE(decoder.Decode((dir.path() / "a.jpg").string(), {}, &image).ok());
  EXPECT_EQ(image.size(), (ImageSize{20, 30}));
  EXPECT_NEAR(image.data()[0], 77, 2);
  EXPECT_THROW(WriteJpeg("/nowhere/a.jpg", image.view()), WriteError);
}

}  // namespace
}  // namespace headroom
