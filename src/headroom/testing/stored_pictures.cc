// SPDX-License-Identifier: Apache-2.0
#include "headroom/testing/stored_pictures.h"

#include "headroom/core/check.h"

#include <opencv2/imgcodecs.hpp>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace headroom::testing {
namespace {

void AppendBig32(std::uint32_t value, FileBytes* to) {
  for (int shift = 24; shift >= 0; shift -= 8)
    to->push_back(static_cast<std::uint8_t>(value >> shift));
}

void AppendLittle(std::uint64_t value, int bytes, FileBytes* to) {
  for (int i = 0; i < bytes; ++i) to->push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

FileBytes Deflated(const FileBytes& raw) {
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  FileBytes packed(size);
  HEADROOM_CHECK(
      compress2(packed.data(), &size, raw.data(), static_cast<uLong>(raw.size()), 1) == Z_OK,
      "deflate");
  packed.resize(size);
  return packed;
}

// `count` bytes of the content from `at` on, which goes round.
void AppendContent(const FileBytes& content, std::size_t* at, std::size_t count, FileBytes* to) {
  while (count > 0) {
    const std::size_t begin = *at % content.size();
    const std::size_t part = std::min(count, content.size() - begin);
    to->insert(to->end(), content.begin() + static_cast<std::ptrdiff_t>(begin),
               content.begin() + static_cast<std::ptrdiff_t>(begin + part));
    *at += part;
    count -= part;
  }
}

void AppendChunk(std::string_view type, const FileBytes& data, FileBytes* file) {
  AppendBig32(static_cast<std::uint32_t>(data.size()), file);
  const std::size_t begin = file->size();
  file->insert(file->end(), type.begin(), type.end());
  file->insert(file->end(), data.begin(), data.end());
  AppendBig32(static_cast<std::uint32_t>(crc32_z(0, file->data() + begin, file->size() - begin)),
              file);
}

int SamplesOf(PngColor color) {
  switch (color) {
    case PngColor::kGrey:
    case PngColor::kPalette:
      return 1;
    case PngColor::kGreyAlpha:
      return 2;
    case PngColor::kRgb:
      return 3;
    case PngColor::kRgba:
      return 4;
  }
  return 0;
}

struct Pass {
  int y0, x0, dy, dx;
};
constexpr std::array<Pass, 7> kAdam7 = {{{0, 0, 8, 8},
                                         {0, 4, 8, 8},
                                         {4, 0, 8, 4},
                                         {0, 2, 4, 4},
                                         {2, 0, 4, 2},
                                         {0, 1, 2, 2},
                                         {1, 0, 2, 1}}};

// Rows of one pass, each behind a filter byte 0.
void AppendRows(int rows, int columns, int bits_per_pixel, const FileBytes& content,
                std::size_t* at, FileBytes* raw) {
  if (columns == 0) return;
  const auto row_bytes = (static_cast<std::size_t>(columns) * bits_per_pixel + 7) / 8;
  for (int y = 0; y < rows; ++y) {
    raw->push_back(0);
    AppendContent(content, at, row_bytes, raw);
  }
}

// A picture's parts in a TIFF: strips or tiles.
struct TiffPart {
  int height;
  int width;
};

int SamplesOf(TiffColor color) {
  if (color == TiffColor::kRgba) return 4;
  return color == TiffColor::kRgb ? 3 : 1;
}

std::vector<TiffPart> PartsOf(int height, int width, const TiffKind& kind) {
  std::vector<TiffPart> parts;
  if (kind.tile > 0) {
    const int down = (height + kind.tile - 1) / kind.tile;
    const int across = (width + kind.tile - 1) / kind.tile;
    parts.assign(static_cast<std::size_t>(down) * across, {kind.tile, kind.tile});
    return parts;
  }
  const int rows = kind.rows_per_strip > 0 ? kind.rows_per_strip : height;
  for (int y = 0; y < height; y += rows) parts.push_back({std::min(rows, height - y), width});
  return parts;
}

FileBytes JpegOf(const TiffPart& part, const FileBytes& content, std::size_t* at) {
  cv::Mat pixels(part.height, part.width, CV_8UC3);
  FileBytes bytes;
  AppendContent(content, at, pixels.total() * 3, &bytes);
  std::copy(bytes.begin(), bytes.end(), pixels.data);
  FileBytes file;
  HEADROOM_CHECK(cv::imencode(".jpg", pixels, file), "a strip");
  return file;
}

FileBytes StorePart(const TiffPart& part, const TiffKind& kind, const FileBytes& content,
                    std::size_t* at) {
  if (kind.compression == TiffCompression::kJpeg) return JpegOf(part, content, at);
  const auto samples = static_cast<std::size_t>(kind.planar ? 1 : SamplesOf(kind.color));
  const std::size_t row_bytes =
      (static_cast<std::size_t>(part.width) * samples * static_cast<std::size_t>(kind.bits) + 7) /
      8;
  FileBytes raw;
  AppendContent(content, at, row_bytes * static_cast<std::size_t>(part.height), &raw);
  return kind.compression == TiffCompression::kDeflate ? Deflated(raw) : raw;
}

// Tag to its values, of which each is 2 bytes (short) or 4 (long).
struct TiffValues {
  int type;  // 3 short, 4 long.
  std::vector<std::uint32_t> values;
};
using TiffTags = std::map<int, TiffValues>;

TiffTags TagsOf(int height, int width, const TiffKind& kind) {
  constexpr int kShort = 3;
  const auto u = [](int value) { return static_cast<std::uint32_t>(value); };
  const int samples = SamplesOf(kind.color);
  const bool jpeg = kind.compression == TiffCompression::kJpeg;
  TiffTags tags;
  const auto set = [&](int tag, std::vector<std::uint32_t> values) {
    tags[tag] = {kShort, std::move(values)};
  };
  set(256, {u(width)});
  set(257, {u(height)});
  set(258, std::vector<std::uint32_t>(static_cast<std::size_t>(samples), u(kind.bits)));
  set(259, {static_cast<std::uint32_t>(kind.compression)});
  constexpr std::uint32_t kYCbCr = 6;
  const std::uint32_t photometric =
      kind.color == TiffColor::kRgba ? 2 : static_cast<std::uint32_t>(kind.color);
  set(262, {jpeg ? kYCbCr : photometric});
  set(274, {u(kind.orientation)});
  set(277, {u(samples)});
  set(284, {kind.planar ? 2U : 1U});
  if (kind.tile > 0) {
    set(322, {u(kind.tile)});
    set(323, {u(kind.tile)});
  } else {
    set(278, {u(kind.rows_per_strip > 0 ? kind.rows_per_strip : height)});
  }
  if (kind.color == TiffColor::kPalette) {
    std::vector<std::uint32_t> map(3U << kind.bits);
    for (std::size_t i = 0; i < map.size(); ++i)
      map[i] = static_cast<std::uint32_t>(i * 81 % 65536);
    set(320, std::move(map));
  }
  if (kind.color == TiffColor::kRgba) set(338, {2});  // Unassociated alpha.
  if (jpeg) set(530, {2, 2});
  return tags;
}

void AppendDirectory(const TiffTags& tags, FileBytes* file) {
  const std::size_t directory = file->size();
  FileBytes entries;
  FileBytes behind;
  const std::size_t behind_at = directory + 2 + 12 * tags.size() + 4;
  AppendLittle(tags.size(), 2, &entries);
  for (const auto& [tag, field] : tags) {
    const int bytes = field.type == 3 ? 2 : 4;
    AppendLittle(static_cast<std::uint64_t>(tag), 2, &entries);
    AppendLittle(static_cast<std::uint64_t>(field.type), 2, &entries);
    AppendLittle(field.values.size(), 4, &entries);
    FileBytes values;
    for (const std::uint32_t value : field.values) AppendLittle(value, bytes, &values);
    if (values.size() <= 4) {
      values.resize(4);
      entries.insert(entries.end(), values.begin(), values.end());
    } else {
      AppendLittle(behind_at + behind.size(), 4, &entries);
      behind.insert(behind.end(), values.begin(), values.end());
      behind.resize((behind.size() + 3) / 4 * 4);
    }
  }
  AppendLittle(0, 4, &entries);
  file->insert(file->end(), entries.begin(), entries.end());
  file->insert(file->end(), behind.begin(), behind.end());
}

}  // namespace

FileBytes StorePng(int height, int width, const PngKind& kind, const FileBytes& content) {
  FileBytes file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  FileBytes header;
  AppendBig32(static_cast<std::uint32_t>(width), &header);
  AppendBig32(static_cast<std::uint32_t>(height), &header);
  header.push_back(static_cast<std::uint8_t>(kind.bits));
  header.push_back(static_cast<std::uint8_t>(kind.color));
  header.insert(header.end(), {0, 0, static_cast<std::uint8_t>(kind.interlaced)});
  AppendChunk("IHDR", header, &file);
  if (kind.color == PngColor::kPalette) {
    FileBytes palette;
    for (int i = 0; i < 3 << kind.bits; ++i) palette.push_back(static_cast<std::uint8_t>(i * 7));
    AppendChunk("PLTE", palette, &file);
    AppendChunk("tRNS", {128, 64}, &file);
  }
  const int bits = kind.bits * SamplesOf(kind.color);
  FileBytes raw;
  std::size_t at = 0;
  if (kind.interlaced) {
    for (const Pass& pass : kAdam7) {
      AppendRows((height - pass.y0 + pass.dy - 1) / pass.dy,
                 (width - pass.x0 + pass.dx - 1) / pass.dx, bits, content, &at, &raw);
    }
  } else {
    AppendRows(height, width, bits, content, &at, &raw);
  }
  AppendChunk("IDAT", Deflated(raw), &file);
  AppendChunk("IEND", {}, &file);
  return file;
}

FileBytes StoreBmp(int height, int width, const BmpKind& kind, const FileBytes& content) {
  FileBytes pixels;
  std::size_t at = 0;
  const std::size_t row_bytes = (static_cast<std::size_t>(width) * kind.bits + 31) / 32 * 4;
  for (int y = 0; y < height; ++y) {
    if (!kind.run_length) {
      AppendContent(content, &at, row_bytes, &pixels);
      continue;
    }
    for (int x = 0; x < width; x += 200) {  // Runs of 200 pixels at most.
      pixels.push_back(static_cast<std::uint8_t>(std::min(200, width - x)));
      AppendContent(content, &at, 1, &pixels);
    }
    pixels.insert(pixels.end(), {0, y + 1 < height ? std::uint8_t{0} : std::uint8_t{1}});
  }
  const int colors = kind.bits <= 8 ? 1 << kind.bits : 0;
  FileBytes file = {'B', 'M'};
  const std::size_t begin = 54 + 4 * static_cast<std::size_t>(colors);
  AppendLittle(begin + pixels.size(), 4, &file);
  AppendLittle(0, 4, &file);
  AppendLittle(begin, 4, &file);
  AppendLittle(40, 4, &file);
  AppendLittle(static_cast<std::uint64_t>(width), 4, &file);
  AppendLittle(static_cast<std::uint64_t>(height), 4, &file);
  AppendLittle(1, 2, &file);
  AppendLittle(static_cast<std::uint64_t>(kind.bits), 2, &file);
  const int run_length = kind.bits == 8 ? 1 : 2;
  AppendLittle(kind.run_length ? static_cast<std::uint64_t>(run_length) : 0, 4, &file);
  AppendLittle(pixels.size(), 4, &file);
  AppendLittle(0, 8, &file);
  AppendLittle(static_cast<std::uint64_t>(colors), 4, &file);
  AppendLittle(0, 4, &file);
  for (int i = 0; i < colors; ++i) AppendLittle(static_cast<std::uint64_t>(i) * 0x010307, 4, &file);
  file.insert(file.end(), pixels.begin(), pixels.end());
  return file;
}

FileBytes StoreTiff(int height, int width, const TiffKind& kind, const FileBytes& content) {
  FileBytes file = {'I', 'I', 42, 0, 0, 0, 0, 0};
  TiffValues offsets{4, {}};
  TiffValues counts{4, {}};
  std::size_t at = 0;
  const int planes = kind.planar ? SamplesOf(kind.color) : 1;
  for (int plane = 0; plane < planes; ++plane) {
    for (const TiffPart& part : PartsOf(height, width, kind)) {
      const FileBytes stored = StorePart(part, kind, content, &at);
      offsets.values.push_back(static_cast<std::uint32_t>(file.size()));
      counts.values.push_back(static_cast<std::uint32_t>(stored.size()));
      file.insert(file.end(), stored.begin(), stored.end());
    }
  }
  file.resize((file.size() + 3) / 4 * 4);
  TiffTags tags = TagsOf(height, width, kind);
  tags[kind.tile > 0 ? 324 : 273] = offsets;
  tags[kind.tile > 0 ? 325 : 279] = counts;
  for (int i = 0; i < 4; ++i)
    file[static_cast<std::size_t>(4 + i)] = static_cast<std::uint8_t>(file.size() >> (8 * i));
  AppendDirectory(tags, &file);
  return file;
}

}  // namespace headroom::testing
