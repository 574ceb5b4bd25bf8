// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/image_decoder.h"

#include "headroom/image/opencv_bridge.h"
#include "headroom/image/orientation.h"
#include "headroom/image/png_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

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

// A file that is open for reading, and its size when it was opened.
class OpenFile {
 public:
  [[nodiscard]] static Result<OpenFile> Open(const std::string& path) {
    OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.descriptor_ < 0) {
      return Failure{fmt::format("cannot be opened: {}", std::strerror(errno))};
    }
    struct stat info{};
    if (::fstat(file.descriptor_, &info) != 0) return Failure{std::strerror(errno)};
    if (!S_ISREG(info.st_mode)) return Failure{"not a file"};
    file.size_ = static_cast<std::size_t>(info.st_size);
    return file;
  }
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(OpenFile&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}
  OpenFile& operator=(OpenFile&&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::size_t size() const { return size_; }

  // Its bytes from the beginning; how many there are, when it was cut meanwhile.
  [[nodiscard]] Result<std::size_t> ReadInto(std::vector<std::uint8_t>* buffer) const {
    MakeRoom(size_, buffer);
    std::size_t done = 0;
    while (done < size_) {
      const ssize_t got =
          ::pread(descriptor_, buffer->data() + done, size_ - done, static_cast<off_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Failure{std::strerror(errno)};
      if (got == 0) break;  // The decoder will say so.
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

 private:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
  std::size_t size_ = 0;
};

// What was let in: the bytes that are read must ask for no more.
struct Admitted {
  ImageInfo info;
  DecodeNeed need;
  [[nodiscard]] bool Covers(const ImageInfo& read, const DecodeNeed& now) const {
    return read.size == info.size && now.Total() <= need.Total();
  }
};

bool HasJpegEnd(const std::string& path) {
  const Result<OpenFile> file = OpenFile::Open(path);
  std::uint8_t end[2] = {};
  return file.ok() && file->size() >= 2 &&
         ::pread(file->descriptor(), end, 2, static_cast<off_t>(file->size() - 2)) == 2 &&
         EndsWithMarker(end);
}

}  // namespace

ImageDecoder::ImageDecoder() = default;
ImageDecoder::~ImageDecoder() = default;
ImageDecoder::ImageDecoder(ImageDecoder&&) noexcept = default;
ImageDecoder& ImageDecoder::operator=(ImageDecoder&&) noexcept = default;

Result<ImageInfo> ImageDecoder::Decode(const std::string& path, const DecodeOptions& options,
                                       Image* out) {
  return Decode(path, options, {}, out);
}

Result<ImageInfo> ImageDecoder::Decode(const std::string& path, const DecodeOptions& options,
                                       const DecodeAdmission& admit, Image* out) {
  const Result<OpenFile> file = OpenFile::Open(path);
  if (!file.ok()) return Failure{file.error()};
  std::optional<Admitted> admitted;
  if (admit) {
    Result<ImageInfo> info = ReadImageInfo(file->descriptor(), file->size());
    if (!info.ok()) return info;
    admitted = {*info, EstimateDecode(*info, Bytes(file->size()), options)};
    const Result<Bytes> allowed = admit(*info, admitted->need);
    if (!allowed.ok()) return Failure{allowed.error()};
    MakeRoomWithin(*allowed, admitted->need, out);
  }
  const Result<std::size_t> size = file->ReadInto(&file_);
  if (!size.ok()) return Failure{size.error()};
  const Result<ImageInfo> info = ReadImageInfo(std::span(file_).first(*size));
  if (!info.ok()) return info;
  if (admitted && !admitted->Covers(*info, EstimateDecode(*info, Bytes(*size), options)))
    return Failure{"it was changed while it was read"};
  return DecodeBuffer(*size, *info, options, out);
}

void ImageDecoder::MakeRoomWithin(Bytes allowed, const DecodeNeed& need, Image* out) {
  const auto held = [&] {
    return std::max(NumBytes(), need.file) + std::max(out->NumBytes(), need.pixels) + need.codec;
  };
  if (held() > allowed && out->NumBytes() > need.pixels) out->Reset();
  if (held() > allowed && NumBytes() > need.file) std::vector<std::uint8_t>().swap(file_);
}

Result<ImageInfo> ImageDecoder::Decode(std::span<const std::uint8_t> file,
                                       const DecodeOptions& options, Image* out) {
  MakeRoom(file.size(), &file_);
  if (!file.empty()) std::memcpy(file_.data(), file.data(), file.size());
  const Result<ImageInfo> info = ReadImageInfo(std::span(file_).first(file.size()));
  if (!info.ok()) return info;
  return DecodeBuffer(file.size(), *info, options, out);
}

Result<ImageInfo> ImageDecoder::DecodeBuffer(std::size_t file_size, const ImageInfo& info,
                                             const DecodeOptions& options, Image* out) {
  const bool by_turbojpeg = info.format == ImageFormat::kJpeg && !info.is_cmyk;
  const Status decoded = by_turbojpeg ? DecodeJpeg(file_size, info, options, out)
                                      : DecodeWithOpenCv(file_size, info, options, out);
  if (!decoded.ok()) return Failure{decoded.error()};
  // OpenCV turns TIFFs by itself, whatever it is told.
  if (info.format != ImageFormat::kTiff) TurnUpright(info.orientation, out);
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
    SwapRedAndBlue(out->view());
  }
  return Unit{};
}

Result<ImageInfo> ImageDecoder::Verify(const std::string& path, const DecodeAdmission& admit) {
  Result<ImageInfo> info = ReadImageInfo(path);
  if (!info.ok()) return info;
  if (std::min(info->size.height, info->size.width) < kLeastSide) {
    return Failure{fmt::format("image of {}x{} px: sides must be at least {} px", info->size.width,
                               info->size.height, kLeastSide)};
  }
  const Status content = VerifyContent(path, *info, admit);
  if (!content.ok()) return Failure{content.error()};
  return info;
}

Status ImageDecoder::VerifyContent(const std::string& path, const ImageInfo& info,
                                   const DecodeAdmission& admit) {
  if (info.format == ImageFormat::kPng) {
    const Result<OpenFile> file = OpenFile::Open(path);
    if (!file.ok()) return Failure{file.error()};
    return CheckPng(file->descriptor(), file->size());
  }
  if (info.format != ImageFormat::kJpeg || HasJpegEnd(path)) return Unit{};
  // Rare: only a decode can tell whether more than the end marker is missing.
  const DecodeOptions smallest{.min_long_side = 1};
  Image pixels;
  const Result<ImageInfo> decoded = Decode(path, smallest, admit, &pixels);
  std::vector<std::uint8_t>().swap(file_);  // Scans do not keep what they need once in a while.
  if (!decoded.ok()) return Failure{decoded.error()};
  return Unit{};
}

DecodeNeed EstimateDecode(const ImageInfo& info, Bytes file_size, const DecodeOptions& options) {
  const bool scales = info.format == ImageFormat::kJpeg && !info.is_cmyk;
  const ImageSize decoded =
      scales ? JpegDecoder::ScaledSize(info.stored_size(), options.min_long_side) : info.size;
  // Rows on their way through the codec, and its tables: measured.
  constexpr std::uint64_t kBytesPerColumn = 128;
  constexpr Bytes kTables = Bytes::KiB(256);
  DecodeNeed need;
  need.file = file_size + Bytes(kEndMarkerBytes);
  need.pixels = decoded.PixelBytes();
  need.codec = Bytes(info.codec_bytes);
  if (SwapsSides(info.orientation)) {
    // A second copy when the codec is done, which leaves up to that much in the heap
    // (M_TRIM_THRESHOLD of the program); OpenCV turns TIFFs while it holds all.
    constexpr Bytes kKeptByHeap = Bytes::MiB(4);
    const Bytes kept =
        info.format == ImageFormat::kTiff ? need.codec : std::min(need.codec, kKeptByHeap);
    need.codec = std::max(need.codec, need.pixels + kept);
  }
  need.codec +=
      kTables + Bytes::Of(static_cast<std::uint64_t>(info.size.long_side()), kBytesPerColumn);
  return need;
}

}  // namespace headroom
