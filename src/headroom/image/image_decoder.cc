// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/image_decoder.h"

#include "headroom/image/opencv_bridge.h"
#include "headroom/image/orientation.h"
#include "headroom/image/png_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace headroom {
namespace {

constexpr int kLeastSide = 10;
constexpr std::size_t kEndMarkerBytes = 2;

bool EndsWithMarker(std::span<const std::uint8_t> file) {
  return file.size() >= 2 && file[file.size() - 2] == 0xFF && file[file.size() - 1] == 0xD9;
}

// A grow-only buffer; two bytes more than the file, for an end marker that a JPEG may lack.
void MakeRoom(std::size_t file_size, std::vector<std::uint8_t>* buffer) {
  if (buffer->size() >= file_size + kEndMarkerBytes) return;
  std::vector<std::uint8_t>().swap(*buffer);  // The old bytes are not needed: never hold both.
  buffer->resize(file_size + kEndMarkerBytes);
}

Result<std::size_t> ReadInto(int descriptor, std::vector<std::uint8_t>* buffer) {
  struct stat info{};
  if (::fstat(descriptor, &info) != 0) return Failure{std::strerror(errno)};
  if (!S_ISREG(info.st_mode)) return Failure{"not a file"};
  const auto size = static_cast<std::size_t>(info.st_size);
  MakeRoom(size, buffer);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(descriptor, buffer->data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure{std::strerror(errno)};
    if (got == 0) break;  // Cut while it was read: the decoder will say so.
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<std::size_t> ReadInto(const std::string& path, std::vector<std::uint8_t>* buffer) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return Failure{fmt::format("cannot be opened: {}", std::strerror(errno))};
  Result<std::size_t> size = ReadInto(descriptor, buffer);
  ::close(descriptor);
  return size;
}

bool HasJpegEnd(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const off_t size = ::lseek(descriptor, 0, SEEK_END);
  std::uint8_t end[2] = {};
  const bool has = size >= 2 && ::pread(descriptor, end, 2, size - 2) == 2 && EndsWithMarker(end);
  ::close(descriptor);
  return has;
}

}  // namespace

ImageDecoder::ImageDecoder() = default;
ImageDecoder::~ImageDecoder() = default;
ImageDecoder::ImageDecoder(ImageDecoder&&) noexcept = default;
ImageDecoder& ImageDecoder::operator=(ImageDecoder&&) noexcept = default;

Result<ImageInfo> ImageDecoder::Decode(const std::string& path, const DecodeOptions& options,
                                       Image* out) {
  const Result<std::size_t> size = ReadInto(path, &file_);
  if (!size.ok()) return Failure{size.error()};
  return DecodeBuffer(*size, options, out);
}

Result<ImageInfo> ImageDecoder::Decode(std::span<const std::uint8_t> file,
                                       const DecodeOptions& options, Image* out) {
  MakeRoom(file.size(), &file_);
  if (!file.empty()) std::memcpy(file_.data(), file.data(), file.size());
  return DecodeBuffer(file.size(), options, out);
}

Result<ImageInfo> ImageDecoder::DecodeBuffer(std::size_t file_size, const DecodeOptions& options,
                                             Image* out) {
  Result<ImageInfo> info = ReadImageInfo(std::span(file_).first(file_size));
  if (!info.ok()) return info;
  const bool by_turbojpeg = info->format == ImageFormat::kJpeg && !info->is_cmyk;
  const Status decoded = by_turbojpeg ? DecodeJpeg(file_size, *info, options, out)
                                      : DecodeWithOpenCv(file_size, *info, options, out);
  if (!decoded.ok()) return Failure{decoded.error()};
  // OpenCV turns TIFFs by itself, whatever it is told.
  if (info->format != ImageFormat::kTiff) TurnUpright(info->orientation, out, &turned_);
  return info;
}

Status ImageDecoder::DecodeJpeg(std::size_t file_size, const ImageInfo& info,
                                const DecodeOptions& options, Image* out) {
  std::span<const std::uint8_t> file = std::span(file_).first(file_size);
  const bool has_end = EndsWithMarker(file);
  if (!has_end) {
    // Some writers leave the end marker out, which loses no pixel. With a marker added, libjpeg
    // complains only when pixels are missing.
    file_[file_size] = 0xFF;
    file_[file_size + 1] = 0xD9;
    file = std::span(file_).first(file_size + kEndMarkerBytes);
  }
  const Result<JpegDecoder::Header> header = jpeg_.ReadHeader(file);
  if (!header.ok()) return Failure{header.error()};
  if (header->size != info.stored_size())
    return Failure{"broken JPEG: two frame headers that differ"};
  out->Reshape(JpegDecoder::ScaledSize(header->size, options.min_long_side));
  const auto truncation =
      has_end ? JpegDecoder::Truncation::kAccept : JpegDecoder::Truncation::kRefuse;
  return jpeg_.Decode(file, options.order, truncation, out->view());
}

Status ImageDecoder::DecodeWithOpenCv(std::size_t file_size, const ImageInfo& info,
                                      const DecodeOptions& options, Image* out) {
  if (info.format == ImageFormat::kPng) {
    const Result<std::size_t> kept = KeepPixelChunks(std::span(file_).first(file_size));
    if (!kept.ok()) return Failure{kept.error()};
    file_size = *kept;
  }
  const bool turned_by_opencv = info.format == ImageFormat::kTiff;
  out->Reshape(info.stored_size());
  cv::Mat pixels = internal::WrapMat(out->view());
  const cv::Mat bytes(1, static_cast<int>(file_size), CV_8UC1, file_.data());
  const int flags =
      turned_by_opencv ? cv::IMREAD_COLOR : cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION;
  const std::string problem = internal::Quietly([&] { cv::imdecode(bytes, flags, &pixels); });
  if (!problem.empty() || pixels.empty() || pixels.type() != CV_8UC3) {
    return Failure{
        fmt::format("broken {}{}{}", Name(info.format), problem.empty() ? "" : ": ", problem)};
  }
  const ImageSize size{pixels.rows, pixels.cols};
  if (size != (turned_by_opencv ? info.size : info.stored_size())) {
    return Failure{fmt::format("broken {}: its header says {}x{} px, its pixels are {}x{}",
                               Name(info.format), info.size.width, info.size.height, size.width,
                               size.height)};
  }
  if (pixels.data != out->data()) {
    out->Reshape(size);
    pixels.copyTo(internal::WrapMat(out->view()));
  }
  if (options.order == ColorOrder::kRgb) {
    cv::Mat result = internal::WrapMat(out->view());
    cv::cvtColor(result, result, cv::COLOR_BGR2RGB);
  }
  return Unit{};
}

Result<ImageInfo> ImageDecoder::Verify(const std::string& path) {
  Result<ImageInfo> info = ReadImageInfo(path);
  if (!info.ok()) return info;
  if (std::min(info->size.height, info->size.width) < kLeastSide) {
    return Failure{fmt::format("image of {}x{} px: sides must be at least {} px", info->size.width,
                               info->size.height, kLeastSide)};
  }
  const Status content = VerifyContent(path, *info);
  if (!content.ok()) return Failure{content.error()};
  return info;
}

Status ImageDecoder::VerifyContent(const std::string& path, const ImageInfo& info) {
  if (info.format == ImageFormat::kPng) {
    const Result<std::size_t> size = ReadInto(path, &file_);
    if (!size.ok()) return Failure{size.error()};
    return CheckPng(std::span(file_).first(*size));
  }
  if (info.format != ImageFormat::kJpeg || HasJpegEnd(path)) return Unit{};
  // Rare: only a decode can tell whether more than the end marker is missing.
  const Result<std::size_t> size = ReadInto(path, &file_);
  if (!size.ok()) return Failure{size.error()};
  const Result<ImageInfo> decoded = DecodeBuffer(*size, {.min_long_side = 1}, &turned_);
  if (!decoded.ok()) return Failure{decoded.error()};
  return Unit{};
}

Bytes ImageDecoder::NumBytes() const { return Bytes(file_.capacity()) + turned_.NumBytes(); }

Bytes DecodePeakBytes(const ImageInfo& info, Bytes file_size, const DecodeOptions& options) {
  const bool scales = info.format == ImageFormat::kJpeg && !info.is_cmyk;
  const ImageSize decoded =
      scales ? JpegDecoder::ScaledSize(info.stored_size(), options.min_long_side) : info.size;
  const Bytes pixels = decoded.PixelBytes();
  Bytes peak = file_size + Bytes(kEndMarkerBytes) + pixels;
  peak += Bytes(info.codec_bytes);
  // Rows on their way through the codec, and its tables: measured.
  constexpr std::uint64_t kBytesPerColumn = 96;
  constexpr Bytes kTables = Bytes::KiB(64);
  peak += Bytes::Of(static_cast<std::uint64_t>(info.size.long_side()), kBytesPerColumn) + kTables;
  if (SwapsSides(info.orientation)) peak += pixels;
  return peak;
}

}  // namespace headroom
