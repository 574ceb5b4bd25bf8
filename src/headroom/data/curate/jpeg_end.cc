// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/curate/jpeg_end.h"

#include "headroom/core/error.h"

#include <fmt/format.h>

#include <array>
#include <fstream>

namespace headroom {
namespace {

using Marker = std::array<char, 2>;
constexpr Marker kStart = {'\xFF', '\xD8'};
constexpr Marker kEnd = {'\xFF', '\xD9'};

Marker ReadMarker(std::fstream& file, std::streamoff offset, std::ios::seekdir from) {
  Marker marker{};
  file.seekg(offset, from);
  file.read(marker.data(), marker.size());
  return marker;
}

}  // namespace

bool AppendMissingJpegEnd(const std::filesystem::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const bool is_jpeg = ReadMarker(file, 0, std::ios::beg) == kStart;
  if (!file || !is_jpeg || ReadMarker(file, -2, std::ios::end) == kEnd) return false;
  file.seekp(0, std::ios::end);
  file.write(kEnd.data(), kEnd.size());
  file.flush();
  if (!file) throw WriteError(fmt::format("cannot write {}", path.string()));
  return true;
}

}  // namespace headroom
