// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/zip_reader.h"

#include "headroom/interop/zip_format.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <utility>

namespace headroom {
namespace {

using Span = std::span<const std::byte>;

// Reads little-endian fields one after the other; the caller has checked the size.
class Fields {
 public:
  explicit Fields(Span bytes) : bytes_(bytes) {}

  std::uint16_t U16() { return static_cast<std::uint16_t>(Take(2)); }
  std::uint32_t U32() { return static_cast<std::uint32_t>(Take(4)); }
  std::uint64_t U64() { return Take(8); }
  void Skip(std::size_t count) { bytes_ = bytes_.subspan(count); }

 private:
  std::uint64_t Take(std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      value |= std::to_integer<std::uint64_t>(bytes_[i]) << (8 * i);
    }
    Skip(count);
    return value;
  }

  Span bytes_;
};

std::optional<Span> Slice(Span bytes, std::uint64_t offset, std::uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
  return bytes.subspan(offset, size);
}

std::string_view Text(Span bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Failure Broken(std::string_view what) {
  return Failure{
      fmt::format("not an intact ZIP archive: {} (a download that stopped early?)", what)};
}

struct Directory {
  std::uint64_t count = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;
};

// The end record is the last thing in the file but for a comment of up to 65535 bytes.
std::optional<std::size_t> FindEnd(Span file) {
  if (file.size() < zip::kEndSize) return std::nullopt;
  const std::size_t last = file.size() - zip::kEndSize;
  const std::size_t first = last > 0xFFFF ? last - 0xFFFF : 0;
  for (std::size_t at = last + 1; at-- > first;) {
    Fields fields(file.subspan(at, zip::kEndSize));
    if (fields.U32() != zip::kEnd) continue;
    fields.Skip(16);
    if (fields.U16() == last - at) return at;
  }
  return std::nullopt;
}

Result<Directory> ReadEnd64(Span file, std::size_t end) {
  if (end < zip::kEnd64LocatorSize) return Broken("no zip64 locator");
  Fields locator(file.subspan(end - zip::kEnd64LocatorSize, zip::kEnd64LocatorSize));
  if (locator.U32() != zip::kEnd64Locator) return Broken("no zip64 locator");
  locator.Skip(4);
  const auto record = Slice(file.first(end), locator.U64(), zip::kEnd64Size);
  if (!record) return Broken("its zip64 record lies outside the file");
  Fields fields(*record);
  if (fields.U32() != zip::kEnd64) return Broken("no zip64 record");
  fields.Skip(20);
  const std::uint64_t on_this_disk = fields.U64();
  Directory directory;
  directory.count = fields.U64();
  directory.size = fields.U64();
  directory.offset = fields.U64();
  if (on_this_disk != directory.count) return Broken("it is split over several disks");
  return directory;
}

Result<Directory> ReadEnd(Span file, std::size_t end) {
  Fields fields(file.subspan(end, zip::kEndSize));
  fields.Skip(8);
  const std::uint16_t on_this_disk = fields.U16();
  Directory directory;
  directory.count = fields.U16();
  directory.size = fields.U32();
  directory.offset = fields.U32();
  const bool wide = directory.count == zip::kSeeZip64Count || directory.size == zip::kSeeZip64 ||
                    directory.offset == zip::kSeeZip64;
  if (wide) return ReadEnd64(file, end);
  if (on_this_disk != directory.count) return Broken("it is split over several disks");
  return directory;
}

// Replaces the fields that say "see zip64" by the ones of the extra record, in their fixed order.
bool ApplyZip64(Span extra, ZipMember* member, std::uint64_t* local_offset) {
  const bool wanted = member->size == zip::kSeeZip64 || member->stored == zip::kSeeZip64 ||
                      *local_offset == zip::kSeeZip64;
  while (wanted && extra.size() >= 4) {
    Fields head(extra);
    const std::uint16_t id = head.U16();
    const auto body = Slice(extra, 4, head.U16());
    if (!body) return false;
    extra = extra.subspan(4 + body->size());
    if (id != zip::kZip64Extra) continue;
    Fields fields(*body);
    std::size_t left = body->size();
    for (std::uint64_t* field : {&member->size, &member->stored, local_offset}) {
      if (*field != zip::kSeeZip64) continue;
      if (left < 8) return false;
      *field = fields.U64();
      left -= 8;
    }
    return true;
  }
  return !wanted;
}

// Finds the payload through the member's local header, which must agree with the directory.
Status Locate(Span data, std::uint64_t local_offset, ZipMember* member) {
  const auto header = Slice(data, local_offset, zip::kLocalHeaderSize);
  if (!header) return Broken("a member lies outside the file");
  Fields fields(*header);
  if (fields.U32() != zip::kLocalHeader) return Broken("a member has no header");
  fields.Skip(22);
  const std::uint16_t name_size = fields.U16();
  const std::uint16_t extra_size = fields.U16();
  const auto name = Slice(data, local_offset + zip::kLocalHeaderSize, name_size);
  if (!name || Text(*name) != member->name) return Broken("a member's two names differ");
  member->offset = local_offset + zip::kLocalHeaderSize + name_size + extra_size;
  if (!Slice(data, member->offset, member->stored)) return Broken("a member lies outside the file");
  return Unit{};
}

// Reads one entry of the central directory and takes it off the front of `rest`.
Result<ZipMember> ReadEntry(Span data, Span* rest) {
  if (rest->size() < zip::kCentralHeaderSize) return Broken("its directory ends early");
  Fields fields(*rest);
  if (fields.U32() != zip::kCentralHeader) return Broken("its directory is damaged");
  fields.Skip(4);
  const std::uint16_t flags = fields.U16();
  const std::uint16_t method = fields.U16();
  fields.Skip(4);
  ZipMember member;
  member.crc32 = fields.U32();
  member.stored = fields.U32();
  member.size = fields.U32();
  const std::uint16_t name_size = fields.U16();
  const std::uint16_t extra_size = fields.U16();
  const std::uint16_t comment_size = fields.U16();
  fields.Skip(8);
  std::uint64_t local_offset = fields.U32();
  const std::size_t total = zip::kCentralHeaderSize + name_size + extra_size + comment_size;
  if (rest->size() < total) return Broken("its directory ends early");
  member.name = Text(rest->subspan(zip::kCentralHeaderSize, name_size));
  const Span extra = rest->subspan(zip::kCentralHeaderSize + name_size, extra_size);
  *rest = rest->subspan(total);
  if (!ApplyZip64(extra, &member, &local_offset)) return Broken("a zip64 size is missing");
  if ((flags & 1U) != 0) return Failure{"the ZIP archive is encrypted, which is not supported"};
  if (method != zip::kStored && method != zip::kDeflated) {
    return Failure{
        fmt::format("a member of the ZIP archive uses compression method {}; stored (0) "
                    "and deflated (8) are supported",
                    method)};
  }
  member.deflated = method == zip::kDeflated;
  if (!member.deflated && member.stored != member.size) return Broken("a stored size is wrong");
  if (Status located = Locate(data, local_offset, &member); !located)
    return Failure{located.error()};
  return member;
}

bool Overlap(const std::vector<ZipMember>& members) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  ranges.reserve(members.size());
  for (const ZipMember& member : members) {
    ranges.emplace_back(member.offset - zip::kLocalHeaderSize, member.offset + member.stored);
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) return true;
  }
  return false;
}

bool Inflate(Span packed, std::span<std::byte> out) {
  z_stream stream{};
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  // zlib counts in 32 bits: feed it in pieces.
  constexpr std::size_t kPiece = std::size_t{1} << 30;
  int status = Z_OK;
  while (status == Z_OK) {
    const std::size_t in_size = std::min(packed.size(), kPiece);
    const std::size_t out_size = std::min(out.size(), kPiece);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
    stream.avail_in = static_cast<uInt>(in_size);
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out_size);
    status = ::inflate(&stream, Z_NO_FLUSH);
    packed = packed.subspan(in_size - stream.avail_in);
    out = out.subspan(out_size - stream.avail_out);
  }
  ::inflateEnd(&stream);
  return status == Z_STREAM_END && out.empty() && packed.empty();
}

}  // namespace

Result<ZipReader> ZipReader::Open(Span file, ReleaseBytes release) {
  const auto end = FindEnd(file);
  if (!end) return Broken("no end record");
  const Result<Directory> directory = ReadEnd(file, *end);
  if (!directory) return Failure{directory.error()};
  const auto entries = Slice(file.first(*end), directory->offset, directory->size);
  if (!entries) return Broken("its directory lies outside the file");
  if (directory->count > entries->size() / zip::kCentralHeaderSize)
    return Broken("its directory is too small");

  ZipReader reader;
  reader.file_ = file;
  reader.release_ = std::move(release);
  reader.members_.reserve(directory->count);
  Span rest = *entries;
  for (std::uint64_t i = 0; i < directory->count; ++i) {
    Result<ZipMember> member = ReadEntry(file.first(directory->offset), &rest);
    if (!member) return Failure{member.error()};
    reader.members_.push_back(*member);
  }
  if (Overlap(reader.members_)) return Broken("two members share bytes");

  reader.by_name_.resize(reader.members_.size());
  std::iota(reader.by_name_.begin(), reader.by_name_.end(), 0U);
  const auto name = [&](std::uint32_t index) { return reader.members_[index].name; };
  std::ranges::sort(reader.by_name_, {}, name);
  const auto twin = std::ranges::adjacent_find(reader.by_name_, {}, name);
  if (twin != reader.by_name_.end()) return Broken("two members have the same name");
  return reader;
}

const ZipMember* ZipReader::Find(std::string_view name) const {
  const auto name_of = [this](std::uint32_t index) { return members_[index].name; };
  const auto at = std::ranges::lower_bound(by_name_, name, {}, name_of);
  return at != by_name_.end() && name_of(*at) == name ? &members_[*at] : nullptr;
}

Result<ZipPayload> ZipReader::Read(const ZipMember& member, Crc crc) const {
  constexpr std::uint64_t kLargestRatio = 64;
  ZipPayload payload;
  payload.bytes = file_.subspan(member.offset, member.stored);
  if (member.deflated) {
    if (member.size / kLargestRatio > member.stored) {
      return Failure{fmt::format("member {} would unpack from {} to {} bytes: refused", member.name,
                                 member.stored, member.size)};
    }
    payload.unpacked.resize(member.size);
    if (!Inflate(payload.bytes, payload.unpacked)) {
      return Broken(fmt::format("member {} does not unpack", member.name));
    }
    payload.bytes = payload.unpacked;
  }
  if (crc == Crc::kVerify && Checksum(payload) != member.crc32)
    return Broken(fmt::format("the checksum of member {} is wrong", member.name));
  return payload;
}

// In pieces, so that no more than one of a mapped file is resident.
std::uint32_t ZipReader::Checksum(const ZipPayload& payload) const {
  constexpr std::size_t kPiece = std::size_t{4} << 20;
  uLong checksum = 0;
  for (Span rest = payload.bytes; !rest.empty();) {
    const Span piece = rest.first(std::min(rest.size(), kPiece));
    rest = rest.subspan(piece.size());
    checksum = ::crc32_z(checksum, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
    if (release_ && payload.unpacked.empty()) release_(piece);
  }
  return static_cast<std::uint32_t>(checksum);
}

}  // namespace headroom
