// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/image_writer.h"

#include "headroom/core/check.h"
#include "headroom/core/error.h"
#include "headroom/core/file.h"

#include <fmt/format.h>
#include <turbojpeg.h>

#include <new>

namespace headroom {
namespace {

constexpr int kFullChromaFromQuality = 90;
constexpr int kMostSide = 65500;  // Of libjpeg.

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};

int PixelFormat(int channels, ColorOrder order) {
  if (channels == 4) return order == ColorOrder::kRgb ? TJPF_RGBX : TJPF_BGRX;
  return order == ColorOrder::kRgb ? TJPF_RGB : TJPF_BGR;
}

}  // namespace

Bytes EncodedJpegBound(ImageSize size) {
  return Bytes(tjBufSize(size.width, size.height, TJSAMP_444));
}

EncodedJpeg EncodeJpeg(const ImageView& image, ColorOrder order, int quality) {
  HEADROOM_CHECK(image.channels == 3 || image.channels == 4, "JPEGs are written from colours");
  HEADROOM_CHECK(image.height > 0 && image.width > 0, "a JPEG of no pixels");
  const std::unique_ptr<void, Destroy> handle(tjInitCompress());
  if (handle == nullptr) throw std::bad_alloc();
  const int subsampling = quality >= kFullChromaFromQuality ? TJSAMP_444 : TJSAMP_420;
  EncodedJpeg jpeg;
  auto capacity = static_cast<unsigned long>(EncodedJpegBound(image.size()).count());
  // Not zeroed: untouched pages cost nothing.
  jpeg.data = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
  unsigned char* target = jpeg.data.get();
  const int result =
      tjCompress2(handle.get(), image.data, image.width, static_cast<int>(image.row_stride),
                  image.height, PixelFormat(image.channels, order), &target, &capacity, subsampling,
                  quality, TJFLAG_NOREALLOC | TJFLAG_ACCURATEDCT);
  HEADROOM_CHECK(result == 0, fmt::format("{}x{} pixels do not become a JPEG: {}", image.width,
                                          image.height, tjGetErrorStr2(handle.get())));
  jpeg.size = capacity;
  return jpeg;
}

void WriteJpeg(const std::filesystem::path& path, const ImageView& bgr, int quality) {
  if (bgr.height > kMostSide || bgr.width > kMostSide) {
    throw WriteError(
        fmt::format("cannot write {}: a JPEG has at most {} pixels a side, this is {}x{}",
                    path.string(), kMostSide, bgr.height, bgr.width));
  }
  WriteFileAtomic(path, EncodeJpeg(bgr, ColorOrder::kBgr, quality).bytes());
}

}  // namespace headroom
