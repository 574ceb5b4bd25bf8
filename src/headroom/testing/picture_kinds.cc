// SPDX-License-Identifier: Apache-2.0
#include "headroom/testing/picture_kinds.h"

#include "headroom/core/check.h"
#include "headroom/testing/stored_pictures.h"

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <turbojpeg.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace headroom::testing {
namespace {

// Smooth colours with some noise, of any channel count and depth.
cv::Mat Content(int height, int width, int type) {
  cv::RNG rng(7);
  cv::Mat coarse(9, 11, CV_8UC(CV_MAT_CN(type)));
  rng.fill(coarse, cv::RNG::UNIFORM, 40, 210);
  cv::Mat image;
  cv::resize(coarse, image, cv::Size(width, height), 0, 0, cv::INTER_LINEAR);
  cv::Mat noise(height, width, image.type());
  rng.fill(noise, cv::RNG::UNIFORM, 0, 8);
  image += noise;
  if (CV_MAT_DEPTH(type) != CV_8U) image.convertTo(image, CV_MAT_DEPTH(type), 257);
  return image;
}

FileBytes ContentBytes(int height, int width) {
  const cv::Mat image = Content(height, width, CV_8UC3);
  return {image.data, image.data + image.total() * image.elemSize()};
}

FileBytes Encode(const std::string& suffix, const cv::Mat& image, const std::vector<int>& params) {
  FileBytes file;
  HEADROOM_CHECK(cv::imencode("." + suffix, image, file, params), suffix);
  return file;
}

enum class JpegInk : std::uint8_t { kYCbCr444, kYCbCr420, kGrey, kYcck, kCmyk };

// Adobe's segment says what four components mean: 2 YCCK, which TurboJPEG writes, 0 CMYK.
void CallItCmyk(FileBytes* file) {
  constexpr std::string_view kAdobe = "Adobe";
  const auto found = std::search(file->begin(), file->end(), kAdobe.begin(), kAdobe.end());
  HEADROOM_CHECK(file->end() - found > 11, "no Adobe segment");
  found[11] = 0;
}

FileBytes StoreJpeg(int height, int width, JpegInk ink, bool progressive) {
  const bool cmyk = ink == JpegInk::kYcck || ink == JpegInk::kCmyk;
  const cv::Mat image = Content(height, width, cmyk ? CV_8UC4 : CV_8UC3);
  tjhandle handle = tjInitCompress();
  unsigned char* packed = nullptr;
  unsigned long size = 0;  // NOLINT(google-runtime-int): TurboJPEG's type
  int subsampling = TJSAMP_444;
  if (ink == JpegInk::kYCbCr420) subsampling = TJSAMP_420;
  if (ink == JpegInk::kGrey) subsampling = TJSAMP_GRAY;
  const int done = tjCompress2(handle, image.data, width, static_cast<int>(image.step[0]), height,
                               cmyk ? TJPF_CMYK : TJPF_BGR, &packed, &size, subsampling, 90,
                               progressive ? TJFLAG_PROGRESSIVE : 0);
  HEADROOM_CHECK(done == 0, tjGetErrorStr2(handle));
  FileBytes file(packed, packed + size);
  tjFree(packed);
  tjDestroy(handle);
  if (ink == JpegInk::kCmyk) CallItCmyk(&file);
  return file;
}

// The bytes of a JPEG 2000 codestream, without the boxes around it.
FileBytes Codestream(const cv::Mat& image) {
  const FileBytes file = Encode("jp2", image, {});
  constexpr std::string_view kBegin("\xFF\x4F\xFF\x51", 4);
  const auto begin =
      std::search(file.begin(), file.end(), kBegin.begin(), kBegin.end(),
                  [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
  return {begin, file.end()};
}

void PutBig32(int value, std::size_t at, FileBytes* bytes) {
  for (std::size_t i = 0; i < 4; ++i)
    (*bytes)[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * static_cast<int>(i)));
}

// Of 2 x 2 tiles: four encoded pictures of a quarter, put behind one main header.
FileBytes StoreTiledJpeg2000(int height, int width) {
  const FileBytes quarter = Codestream(Content(height / 2, width / 2, CV_8UC3));
  constexpr std::string_view kTilePart("\xFF\x90\x00\x0A", 4);
  const auto tile =
      std::search(quarter.begin(), quarter.end(), kTilePart.begin(), kTilePart.end(),
                  [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
  FileBytes file(quarter.begin(), tile);
  PutBig32(width / 2 * 2, 8, &file);
  PutBig32(height / 2 * 2, 12, &file);
  PutBig32(width / 2, 24, &file);
  PutBig32(height / 2, 28, &file);
  for (std::uint8_t i = 0; i < 4; ++i) {
    const std::size_t at = file.size();
    file.insert(file.end(), tile, quarter.end() - 2);
    file[at + 5] = i;
  }
  file.insert(file.end(), {0xFF, 0xD9});
  return file;
}

using Kinds = std::vector<PictureKind>;

void AddOpenCv(Kinds* kinds) {
  const auto add = [&](const std::string& suffix, const std::string& what, int type,
                       const std::vector<int>& params) {
    kinds->push_back({fmt::format("{} {}", suffix, what), [=](int height, int width) {
                        return Encode(suffix, Content(height, width, type), params);
                      }});
  };
  constexpr int kLossless = 101;
  add("png", "by OpenCV", CV_8UC3, {});
  add("webp", "lossy", CV_8UC3, {cv::IMWRITE_WEBP_QUALITY, 80});
  add("webp", "lossless", CV_8UC3, {cv::IMWRITE_WEBP_QUALITY, kLossless});
  add("webp", "lossy alpha", CV_8UC4, {cv::IMWRITE_WEBP_QUALITY, 80});
  add("webp", "lossless alpha", CV_8UC4, {cv::IMWRITE_WEBP_QUALITY, kLossless});
  add("tif", "LZW by OpenCV", CV_8UC3, {});
  add("tif", "LZW 16 bit by OpenCV", CV_16UC3, {});
  add("jp2", "rgb", CV_8UC3, {});
  add("jp2", "grey", CV_8UC1, {});
  add("jp2", "rgb 16", CV_16UC3, {});
  kinds->push_back({"jp2 of 4 tiles", StoreTiledJpeg2000});
}

void AddJpegs(Kinds* kinds) {
  const std::vector<std::pair<std::string, JpegInk>> inks = {{"4:4:4", JpegInk::kYCbCr444},
                                                             {"4:2:0", JpegInk::kYCbCr420},
                                                             {"grey", JpegInk::kGrey},
                                                             {"YCCK", JpegInk::kYcck},
                                                             {"CMYK", JpegInk::kCmyk}};
  for (const auto& [name, stored] : inks) {
    for (const bool progressive : {false, true}) {
      kinds->push_back({fmt::format("jpg {}{}", name, progressive ? " progressive" : ""),
                        [ink = stored, progressive](int height, int width) {
                          return StoreJpeg(height, width, ink, progressive);
                        }});
    }
  }
}

void AddPngs(Kinds* kinds) {
  const auto add = [&](const std::string& color, const PngKind& kind) {
    kinds->push_back(
        {fmt::format("png {} {}{}", color, kind.bits, kind.interlaced ? " interlaced" : ""),
         [kind](int height, int width) {
           return StorePng(height, width, kind, ContentBytes(height, width));
         }});
  };
  for (const bool interlaced : {false, true}) {
    for (const int bits : {1, 2, 4, 8, 16}) add("grey", {PngColor::kGrey, bits, interlaced});
    for (const int bits : {1, 2, 4, 8}) add("palette", {PngColor::kPalette, bits, interlaced});
    for (const int bits : {8, 16}) {
      add("rgb", {PngColor::kRgb, bits, interlaced});
      add("grey and alpha", {PngColor::kGreyAlpha, bits, interlaced});
      add("rgba", {PngColor::kRgba, bits, interlaced});
    }
  }
}

void AddBmps(Kinds* kinds) {
  const auto add = [&](const BmpKind& kind) {
    kinds->push_back({fmt::format("bmp {}{}", kind.bits, kind.run_length ? " run length" : ""),
                      [kind](int height, int width) {
                        return StoreBmp(height, width, kind, ContentBytes(height, width));
                      }});
  };
  for (const int bits : {1, 4, 8, 16, 24, 32}) add({.bits = bits});
  for (const int bits : {4, 8}) add({.bits = bits, .run_length = true});
}

void AddTiffs(Kinds* kinds) {
  const auto add = [&](const std::string& what, const TiffKind& kind) {
    kinds->push_back({"tif " + what, [kind](int height, int width) {
                        return StoreTiff(height, width, kind, ContentBytes(height, width));
                      }});
  };
  constexpr auto kDeflate = TiffCompression::kDeflate;
  constexpr auto kJpeg = TiffCompression::kJpeg;
  add("strips", {});
  add("one strip", {.rows_per_strip = 0});
  add("strips deflate", {.compression = kDeflate});
  add("one strip deflate", {.compression = kDeflate, .rows_per_strip = 0});
  add("tiles", {.tile = 256});
  add("tiles deflate", {.compression = kDeflate, .tile = 256});
  add("one tile deflate", {.compression = kDeflate, .tile = 4096});
  add("strips 16", {.bits = 16});
  add("one strip 16", {.bits = 16, .rows_per_strip = 0});
  add("one strip 16 deflate", {.bits = 16, .compression = kDeflate, .rows_per_strip = 0});
  add("tiles 16 deflate", {.bits = 16, .compression = kDeflate, .tile = 256});
  add("planar strips", {.planar = true});
  add("planar one strip", {.rows_per_strip = 0, .planar = true});
  add("planar one strip deflate", {.compression = kDeflate, .rows_per_strip = 0, .planar = true});
  add("planar one strip 16", {.bits = 16, .rows_per_strip = 0, .planar = true});
  add("planar tiles deflate", {.compression = kDeflate, .tile = 256, .planar = true});
  add("rgba strips", {.color = TiffColor::kRgba});
  add("rgba one strip", {.color = TiffColor::kRgba, .rows_per_strip = 0});
  add("rgba 16 one strip deflate",
      {.color = TiffColor::kRgba, .bits = 16, .compression = kDeflate, .rows_per_strip = 0});
  add("grey strips", {.color = TiffColor::kGrey});
  add("grey one strip", {.color = TiffColor::kGrey, .rows_per_strip = 0});
  add("grey one strip deflate",
      {.color = TiffColor::kGrey, .compression = kDeflate, .rows_per_strip = 0});
  add("grey 16 one strip", {.color = TiffColor::kGrey, .bits = 16, .rows_per_strip = 0});
  add("bilevel one strip", {.color = TiffColor::kGrey, .bits = 1, .rows_per_strip = 0});
  add("palette one strip", {.color = TiffColor::kPalette, .rows_per_strip = 0});
  add("JPEG strips", {.compression = kJpeg});
  add("JPEG one strip", {.compression = kJpeg, .rows_per_strip = 0});
  add("JPEG tiles", {.compression = kJpeg, .tile = 256});
  add("turned strips", {.orientation = 6});
  add("turned one strip deflate", {.compression = kDeflate, .rows_per_strip = 0, .orientation = 8});
  add("mirrored tiles", {.tile = 256, .orientation = 2});
}

}  // namespace

std::vector<PictureKind> PictureKinds() {
  Kinds kinds;
  AddOpenCv(&kinds);
  AddJpegs(&kinds);
  AddPngs(&kinds);
  AddBmps(&kinds);
  AddTiffs(&kinds);
  return kinds;
}

}  // namespace headroom::testing
