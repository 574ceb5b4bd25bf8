// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/event_file.h"

#include "headroom/core/error.h"
#include "headroom/core/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

namespace headroom {
namespace internal {
namespace {

constexpr std::array<std::uint32_t, 256> MakeCrcTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0);
    table[i] = crc;
  }
  return table;
}

// A checksum of data that hold checksums would be weak: TFRecord masks them.
std::uint32_t Mask(std::uint32_t crc) { return std::rotr(crc, 15) + 0xA282EAD8U; }

template <typename Unsigned>
void AppendLittleEndian(std::string& out, Unsigned value) {
  for (std::size_t i = 0; i < sizeof(value); ++i)
    out += static_cast<char>((value >> (8 * i)) & 0xFF);
}

void AppendVarint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  out += static_cast<char>(value);
}

enum class WireType : std::uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kLengthDelimited = 2,
  kFixed32 = 5
};

void AppendKey(std::string& out, std::uint32_t field, WireType type) {
  AppendVarint(out, (field << 3) | static_cast<std::uint32_t>(type));
}

void AppendBytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  AppendKey(out, field, WireType::kLengthDelimited);
  AppendVarint(out, bytes.size());
  out += bytes;
}

// Fields of Event, Summary and Summary.Value.
constexpr std::uint32_t kEventWallTime = 1;
constexpr std::uint32_t kEventStep = 2;
constexpr std::uint32_t kEventFileVersion = 3;
constexpr std::uint32_t kEventSummary = 5;
constexpr std::uint32_t kSummaryValue = 1;
constexpr std::uint32_t kValueTag = 1;
constexpr std::uint32_t kValueSimpleValue = 2;

void AppendWallTime(std::string& out, double wall_time) {
  AppendKey(out, kEventWallTime, WireType::kFixed64);
  AppendLittleEndian(out, std::bit_cast<std::uint64_t>(wall_time));
}

}  // namespace

std::uint32_t Crc32c(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = MakeCrcTable();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  }
  return ~crc;
}

std::string VersionEvent(double wall_time) {
  std::string event;
  AppendWallTime(event, wall_time);
  AppendBytes(event, kEventFileVersion, "brain.Event:2");
  return event;
}

std::string ScalarEvent(std::string_view tag, std::int64_t step, float value, double wall_time) {
  std::string summary_value;
  AppendBytes(summary_value, kValueTag, tag);
  AppendKey(summary_value, kValueSimpleValue, WireType::kFixed32);
  AppendLittleEndian(summary_value, std::bit_cast<std::uint32_t>(value));
  std::string summary;
  AppendBytes(summary, kSummaryValue, summary_value);
  std::string event;
  AppendWallTime(event, wall_time);
  AppendKey(event, kEventStep, WireType::kVarint);
  AppendVarint(event, static_cast<std::uint64_t>(step));
  AppendBytes(event, kEventSummary, summary);
  return event;
}

std::string FrameRecord(std::string_view data) {
  std::string record;
  record.reserve(data.size() + 16);
  AppendLittleEndian(record, static_cast<std::uint64_t>(data.size()));
  AppendLittleEndian(record, Mask(Crc32c(record)));
  record += data;
  AppendLittleEndian(record, Mask(Crc32c(data)));
  return record;
}

}  // namespace internal

namespace {

constexpr std::size_t kBufferSize = 16 << 10;

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

}  // namespace

EventFileWriter::EventFileWriter(const std::filesystem::path& folder, double wall_time)
    : path_(folder / fmt::format("events.out.tfevents.{:010}.{}.{}.0",
                                 static_cast<std::int64_t>(wall_time), HostName(), ::getpid())) {
  const int descriptor = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    LogWarning(fmt::format("cannot write {}: {}; the run goes on without it", path_.string(),
                           std::strerror(errno)));
    return;
  }
  file_ = std::make_unique<FileWriter>(descriptor, path_);
  buffer_ = internal::FrameRecord(internal::VersionEvent(wall_time));
  Flush();
}

EventFileWriter::~EventFileWriter() { Flush(); }

void EventFileWriter::AddScalar(std::string_view tag, std::int64_t step, double value,
                                double wall_time) {
  if (file_ == nullptr) return;
  buffer_ +=
      internal::FrameRecord(internal::ScalarEvent(tag, step, static_cast<float>(value), wall_time));
  if (buffer_.size() >= kBufferSize) Flush();
}

void EventFileWriter::Flush() {
  if (file_ == nullptr || buffer_.empty()) return;
  try {
    file_->Write(buffer_);
  } catch (const WriteError& error) {
    LogWarning(fmt::format("{}; the run goes on without it", error.what()));
    file_.reset();
  }
  buffer_.clear();
}

}  // namespace headroom
