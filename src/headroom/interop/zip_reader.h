// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

struct ZipMember {
  std::string_view name;     // Points into the file.
  std::uint64_t offset = 0;  // Of the payload in the file.
  std::uint64_t stored = 0;  // Bytes in the file.
  std::uint64_t size = 0;    // Bytes when unpacked.
  std::uint32_t crc32 = 0;
  bool deflated = false;
};

// The bytes of one member: a view of the file, or unpacked.
struct ZipPayload {
  std::span<const std::byte> bytes;
  std::vector<std::byte> unpacked;  // Empty for stored members.
};

// Is told which of a file's bytes were looked at for a checksum: pages of a mapped file may go.
using ReleaseBytes = std::function<void(std::span<const std::byte>)>;

enum class Crc : std::uint8_t { kVerify, kIgnore };

// Reads a ZIP archive (PKWARE APPNOTE 6.3.10: stored and deflated members, zip64) out of bytes that
// the caller keeps alive. Everything is checked when it is opened: every member lies inside the
// file, before the central directory, overlaps no other and has a name of its own; encrypted and
// multi-disk archives are refused. Holds about 64 bytes a member. Thread-safe once open.
class ZipReader {
 public:
  [[nodiscard]] static Result<ZipReader> Open(std::span<const std::byte> file,
                                              ReleaseBytes release = {});

  // In the order of the central directory.
  [[nodiscard]] const std::vector<ZipMember>& members() const { return members_; }
  // Null when there is none.
  [[nodiscard]] const ZipMember* Find(std::string_view name) const;
  // Costs nothing for a stored member when the checksum is ignored. A deflated member may unpack to
  // at most 64 times its stored size (checkpoints do not compress so well; bombs do).
  [[nodiscard]] Result<ZipPayload> Read(const ZipMember& member, Crc crc) const;

 private:
  ZipReader() = default;

  [[nodiscard]] std::uint32_t Checksum(const ZipPayload& payload) const;

  std::span<const std::byte> file_;
  ReleaseBytes release_;
  std::vector<ZipMember> members_;
  std::vector<std::uint32_t> by_name_;  // Indices into members_, sorted by name.
};

}  // namespace headroom
