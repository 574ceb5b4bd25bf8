// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/zip_writer.h"

#include "headroom/core/check.h"
#include "headroom/interop/zip_format.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

namespace headroom {
namespace {

constexpr std::size_t kAlignment = 64;
// 1 January 1980, the first date that the format knows: equal contents give equal files.
constexpr std::uint16_t kDate = 0x21;
constexpr std::uint16_t kPaddingExtra = 0x4246;  // "FB".

class Record {
 public:
  Record& U16(std::uint64_t value) { return Append(value, 2); }
  Record& U32(std::uint64_t value) { return Append(value, 4); }
  Record& U64(std::uint64_t value) { return Append(value, 8); }
  Record& Text(std::string_view text) {
    bytes_.append(text);
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  Record& Append(std::uint64_t value, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) bytes_.push_back(static_cast<char>(value >> (8 * i)));
    return *this;
  }

  std::string bytes_;
};

std::uint64_t Narrow(std::uint64_t value, bool wide) { return wide ? zip::kSeeZip64 : value; }

bool IsWide(std::uint64_t value) { return value >= zip::kSeeZip64; }

// Fills up to the alignment; an extra record takes at least 4 bytes.
std::string Padding(std::uint64_t position) {
  const std::size_t size = (kAlignment - (position + 4) % kAlignment) % kAlignment;
  return Record().U16(kPaddingExtra).U16(size).Text(std::string(size, 'Z')).bytes();
}

}  // namespace

void ZipWriter::Add(std::string_view name, std::span<const std::byte> payload) {
  HEADROOM_CHECK(name.size() <= 0xFFFF, fmt::format("a ZIP name of {} bytes", name.size()));
  const auto* data = reinterpret_cast<const Bytef*>(payload.data());
  Entry entry{std::string(name), file_->position(), payload.size(),
              static_cast<std::uint32_t>(::crc32_z(0, data, payload.size()))};
  const bool wide = zip64_ == Zip64::kAlways || IsWide(entry.size);
  Record extra;
  if (wide) extra.U16(zip::kZip64Extra).U16(16).U64(entry.size).U64(entry.size);
  extra.Text(Padding(entry.offset + zip::kLocalHeaderSize + name.size() + extra.bytes().size()));
  Record header;
  header.U32(zip::kLocalHeader).U16(wide ? 45 : 20).U16(0).U16(zip::kStored).U16(0).U16(kDate);
  header.U32(entry.crc32).U32(Narrow(entry.size, wide)).U32(Narrow(entry.size, wide));
  header.U16(name.size()).U16(extra.bytes().size()).Text(name).Text(extra.bytes());
  file_->Write(header.bytes());
  file_->Write(payload.data(), payload.size());
  entries_.push_back(std::move(entry));
}

void ZipWriter::Finish() {
  const std::uint64_t start = file_->position();
  const bool always = zip64_ == Zip64::kAlways;
  for (const Entry& entry : entries_) {
    const bool wide = always || IsWide(entry.size) || IsWide(entry.offset);
    Record extra;
    if (wide) {
      extra.U16(zip::kZip64Extra).U16(24).U64(entry.size).U64(entry.size).U64(entry.offset);
    }
    Record header;
    header.U32(zip::kCentralHeader)
        .U16(wide ? 45 : 20)
        .U16(wide ? 45 : 20)
        .U16(0)
        .U16(zip::kStored);
    header.U16(0).U16(kDate).U32(entry.crc32);
    header.U32(Narrow(entry.size, wide)).U32(Narrow(entry.size, wide)).U16(entry.name.size());
    header.U16(extra.bytes().size()).U16(0).U16(0).U16(0).U32(0).U32(Narrow(entry.offset, wide));
    file_->Write(header.Text(entry.name).Text(extra.bytes()).bytes());
  }
  const std::uint64_t end = file_->position();
  const std::uint64_t size = end - start;
  const bool wide =
      always || entries_.size() >= zip::kSeeZip64Count || IsWide(size) || IsWide(start);
  Record record;
  if (wide) {
    record.U32(zip::kEnd64).U64(zip::kEnd64Size - 12).U16(45).U16(45).U32(0).U32(0);
    record.U64(entries_.size()).U64(entries_.size()).U64(size).U64(start);
    record.U32(zip::kEnd64Locator).U32(0).U64(end).U32(1);
  }
  const std::uint64_t count = wide ? zip::kSeeZip64Count : entries_.size();
  record.U32(zip::kEnd).U16(0).U16(0).U16(count).U16(count);
  record.U32(Narrow(size, wide)).U32(Narrow(start, wide)).U16(0);
  file_->Write(record.bytes());
}

}  // namespace headroom
