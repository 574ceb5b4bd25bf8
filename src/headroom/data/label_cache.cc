// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/label_cache.h"

#include "headroom/core/checksum.h"
#include "headroom/core/file.h"
#include "headroom/core/mapped_file.h"
#include "headroom/core/parallel_chunks.h"
#include "headroom/data/image_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <type_traits>
#include <utility>

namespace headroom {
namespace {

constexpr std::array<char, 16> kMagic = {'H', 'E', 'A', 'D', 'R', 'O', 'O', 'M',
                                         ' ', 'L', 'A', 'B', 'E', 'L', 'S', '\n'};
constexpr std::uint32_t kVersion = 2;  // 2: DecodeExtremes counts every copy that codecs make.
constexpr std::size_t kAlignment = 8;

// The sections that follow the header, in this order, each padded to 8 bytes.
enum Section : std::size_t {
  kFolders,  // NUL-terminated.
  kFolderOf,
  kNameBegin,
  kNames,
  kStates,
  kSizes,
  kFingerprints,
  kOffsets,
  kBoxes,
  kClassIds,
  kPolygonOffsets,
  kPolygonPoints,
  kMessageImages,
  kMessages,  // NUL-terminated.
  kSectionCount,
};

struct Header {
  std::array<char, 16> magic;
  std::uint32_t version;
  std::int32_t class_width;
  std::int32_t num_classes;
  std::uint32_t dropped_polygons;
  std::uint64_t class_failures;
  std::uint64_t message_count;
  DecodeExtremes decode;
  std::array<std::uint64_t, kSectionCount> section_bytes;
  std::uint64_t payload_checksum;
  std::uint64_t header_checksum;  // Of all before it.
};
static_assert(std::is_trivially_copyable_v<Header> && sizeof(Header) % kAlignment == 0);

std::uint64_t HeaderChecksum(const Header& header) {
  return Checksum64(&header, offsetof(Header, header_checksum));
}

std::size_t Padded(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

using Sections = std::array<std::span<const std::byte>, kSectionCount>;

std::uint64_t PayloadChecksum(const Sections& sections) {
  std::uint64_t sum = 0;
  for (const auto& section : sections) sum = Checksum64(section.data(), section.size(), sum);
  return sum;
}

template <typename Container>
std::span<const std::byte> BytesOf(const Container& values) {
  return std::as_bytes(std::span(values.data(), values.size()));
}

template <typename Container>
void Assign(std::span<const std::byte> bytes, Container* values) {
  using Value = typename Container::value_type;
  static_assert(std::is_trivially_copyable_v<Value>);
  const auto* begin =
      reinterpret_cast<const Value*>(bytes.data());  // Aligned: sections are padded.
  values->assign(begin, begin + bytes.size() / sizeof(Value));
}

std::string JoinWithNul(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += text + '\0';
  return joined;
}

std::vector<std::string> SplitAtNul(std::span<const std::byte> bytes) {
  std::vector<std::string> texts;
  std::string_view left(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (!left.empty()) {
    const std::size_t end = std::min(left.find('\0'), left.size());
    texts.emplace_back(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return texts;
}

// Offsets that never fall and end where the thing they point into does.
template <typename T>
bool AreOffsets(const std::vector<T>& offsets, std::size_t count, std::size_t end) {
  return offsets.size() == count + 1 && offsets.front() == 0 && offsets.back() == end &&
         std::is_sorted(offsets.begin(), offsets.end());
}

// Finds the sections in the file's bytes; nothing when they do not fill it exactly.
bool Locate(const Header& header, std::span<const std::byte> file, Sections* sections) {
  std::size_t at = sizeof(Header);
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    const std::uint64_t bytes = header.section_bytes[i];
    if (bytes > file.size() - at || Padded(bytes) > file.size() - at) return false;
    (*sections)[i] = file.subspan(at, bytes);
    at += Padded(bytes);
  }
  return at == file.size();
}

}  // namespace

// Knows the private parts of the tables that are written and read.
class LabelCacheAccess {
 public:
  static void Describe(const DatasetScan& scan, const std::string& folders, Header* header,
                       Sections* sections) {
    const PathTable& paths = scan.images;
    const LabelTable& labels = scan.labels;
    header->class_width = labels.class_width_;
    (*sections)[kFolders] = BytesOf(folders);
    (*sections)[kFolderOf] = BytesOf(paths.folder_of_);
    (*sections)[kNameBegin] = BytesOf(paths.name_begin_);
    (*sections)[kNames] = BytesOf(paths.names_);
    (*sections)[kOffsets] = BytesOf(labels.offsets_);
    (*sections)[kBoxes] = BytesOf(labels.boxes_);
    (*sections)[kClassIds] = BytesOf(labels.class_ids_);
    (*sections)[kPolygonOffsets] = BytesOf(labels.polygon_offsets_);
    (*sections)[kPolygonPoints] = BytesOf(labels.polygon_points_);
  }

  static const std::vector<std::string>& Folders(const PathTable& paths) { return paths.folders_; }

  static void Read(const Header& header, const Sections& sections, DatasetScan* scan) {
    PathTable& paths = scan->images;
    LabelTable& labels = scan->labels;
    paths.folders_ = SplitAtNul(sections[kFolders]);
    Assign(sections[kFolderOf], &paths.folder_of_);
    Assign(sections[kNameBegin], &paths.name_begin_);
    Assign(sections[kNames], &paths.names_);
    labels.class_width_ = header.class_width;
    Assign(sections[kOffsets], &labels.offsets_);
    Assign(sections[kBoxes], &labels.boxes_);
    Assign(sections[kClassIds], &labels.class_ids_);
    Assign(sections[kPolygonOffsets], &labels.polygon_offsets_);
    Assign(sections[kPolygonPoints], &labels.polygon_points_);
  }

  // The checksums were right, but a file of ours from elsewhere must not make us read astray.
  static bool IsConsistent(const DatasetScan& scan) {
    const PathTable& paths = scan.images;
    const LabelTable& labels = scan.labels;
    const std::size_t images = paths.size();
    const std::size_t boxes = labels.boxes_.size();
    const bool width_is_known =
        labels.class_width_ == 1 || labels.class_width_ == 2 || labels.class_width_ == 4;
    const bool folders_exist =
        std::all_of(paths.folder_of_.begin(), paths.folder_of_.end(),
                    [&](std::uint32_t folder) { return folder < paths.folders_.size(); });
    const bool states_are_known =
        std::all_of(scan.states.begin(), scan.states.end(),
                    [](ImageState state) { return state <= ImageState::kBadLabel; });
    const bool polygons_fit =
        labels.polygon_offsets_.empty()
            ? labels.polygon_points_.empty()
            : AreOffsets(labels.polygon_offsets_, boxes, labels.polygon_points_.size());
    return folders_exist && states_are_known && width_is_known && polygons_fit &&
           AreOffsets(paths.name_begin_, images, paths.names_.size()) &&
           scan.states.size() == images && scan.sizes.size() == images &&
           scan.fingerprints.size() == images && AreOffsets(labels.offsets_, images, boxes) &&
           labels.class_ids_.size() == boxes * static_cast<std::size_t>(labels.class_width_);
  }
};

std::string LabelCachePath(std::span<const std::string> sources, const PathTable& images) {
  namespace fs = std::filesystem;
  const std::string first = sources.empty() ? "" : sources.front();
  std::error_code error;
  const bool is_folder = fs::is_directory(first, error);
  const std::string image = is_folder ? fmt::format("{}/x.jpg", first) : images.Path(0);
  std::string path = fs::path(LabelPathOf(image)).lexically_normal().parent_path().string();
  if (path.empty()) path = "labels";
  if (!is_folder) path += fmt::format(".{}", fs::path(first).stem().string());
  if (sources.size() > 1) path += fmt::format("+{}", sources.size() - 1);
  return fmt::format("{}.headroom", path);
}

void SaveLabelCache(const std::string& path, const DatasetScan& scan) {
  const std::string folders = JoinWithNul(LabelCacheAccess::Folders(scan.images));
  std::string messages;
  std::vector<std::uint32_t> message_images;
  for (const ScanMessage& message : scan.messages) {
    messages += message.text + '\0';
    message_images.push_back(message.image);
  }
  Header header{};
  Sections sections;
  LabelCacheAccess::Describe(scan, folders, &header, &sections);
  sections[kStates] = BytesOf(scan.states);
  sections[kSizes] = BytesOf(scan.sizes);
  sections[kFingerprints] = BytesOf(scan.fingerprints);
  sections[kMessageImages] = BytesOf(message_images);
  sections[kMessages] = BytesOf(messages);
  header.magic = kMagic;
  header.version = kVersion;
  header.num_classes = scan.num_classes;
  header.dropped_polygons = scan.dropped_polygons ? 1 : 0;
  header.class_failures = scan.class_failures;
  header.message_count = scan.message_count;
  header.decode = scan.decode;
  for (std::size_t i = 0; i < kSectionCount; ++i) header.section_bytes[i] = sections[i].size();
  header.payload_checksum = PayloadChecksum(sections);
  header.header_checksum = HeaderChecksum(header);
  WriteFileAtomic(path, [&](FileWriter& writer) {
    constexpr std::array<char, kAlignment> kZeros{};
    writer.Write(&header, sizeof(header));
    for (const auto& section : sections) {
      writer.Write(section.data(), section.size());
      writer.Write(kZeros.data(), Padded(section.size()) - section.size());
    }
  });
}

Result<DatasetScan> LoadLabelCache(const std::string& path, Budget* budget) {
  const Result<MappedFile> mapped = MappedFile::Open(path);
  if (!mapped.ok()) return Failure{mapped.error()};
  const std::span<const std::byte> file = mapped->bytes();
  Header header{};
  if (file.size() < sizeof(kMagic) ||
      std::memcmp(file.data(), kMagic.data(), sizeof(kMagic)) != 0) {
    return Failure{"it is not a label cache of this program"};
  }
  if (file.size() < sizeof(header)) return Failure{"it is truncated"};
  std::memcpy(&header, file.data(), sizeof(header));
  if (header.version != kVersion) {
    return Failure{
        fmt::format("it has version {}, this program writes {}", header.version, kVersion)};
  }
  if (header.header_checksum != HeaderChecksum(header)) return Failure{"it is damaged (header)"};
  Sections sections;
  if (!Locate(header, file, &sections)) return Failure{"it is truncated"};
  if (header.payload_checksum != PayloadChecksum(sections))
    return Failure{"it is damaged (checksum)"};
  DatasetScan scan;
  if (budget != nullptr)
    scan.reservation = Reservation(*budget, MemoryTag::kLabels, Bytes(file.size()));
  LabelCacheAccess::Read(header, sections, &scan);
  Assign(sections[kStates], &scan.states);
  Assign(sections[kSizes], &scan.sizes);
  Assign(sections[kFingerprints], &scan.fingerprints);
  if (!LabelCacheAccess::IsConsistent(scan)) return Failure{"it is inconsistent"};
  std::vector<std::uint32_t> message_images;
  Assign(sections[kMessageImages], &message_images);
  std::vector<std::string> messages = SplitAtNul(sections[kMessages]);
  for (std::size_t i = 0; i < std::min(message_images.size(), messages.size()); ++i) {
    scan.messages.push_back({message_images[i], std::move(messages[i])});
  }
  scan.message_count = header.message_count;
  scan.num_classes = header.num_classes;
  scan.class_failures = header.class_failures;
  scan.dropped_polygons = header.dropped_polygons != 0;
  scan.decode = header.decode;
  if (budget != nullptr) scan.reservation.Resize(scan.NumBytes());
  return scan;
}

Status CheckListed(const DatasetScan& cached, const PathTable& images, int num_classes) {
  if (cached.images.size() < images.size()) {
    return Failure{
        fmt::format("it has {} images, {} are listed now", cached.images.size(), images.size())};
  }
  // The set as a whole decided what became of the polygons.
  if (cached.dropped_polygons && cached.images.size() > images.size())
    return Failure{"it was made for more images"};
  std::string before;
  std::string now;
  for (std::size_t i = 0; i < images.size(); ++i) {
    cached.images.CopyPath(i, &before);
    images.CopyPath(i, &now);
    if (before != now) return Failure{fmt::format("the list of images changed, first at {}", now)};
  }
  const int cached_limit = cached.num_classes;
  if (cached_limit == num_classes) return Unit{};
  const bool none_left_out_wrongly = cached.class_failures == 0 || cached_limit == 0 ||
                                     (num_classes > 0 && cached_limit >= num_classes);
  const bool none_kept_wrongly = num_classes == 0 || cached.labels.max_class() < num_classes;
  if (none_left_out_wrongly && none_kept_wrongly) return Unit{};
  return Failure{
      fmt::format("it was made for {} classes, now there are {}", cached_limit, num_classes)};
}

Status CheckSources(const DatasetScan& cached, std::size_t count, int threads,
                    std::stop_token stop) {
  std::atomic<std::size_t> changed{0};
  std::atomic<std::size_t> first{count};
  const ParallelChunksOptions options{.count = count,
                                      .chunk_size = 1024,
                                      .threads = threads,
                                      .stop = std::move(stop),
                                      .on_progress = {}};
  ParallelChunks(options, [&](int, std::size_t begin, std::size_t end) {
    std::string image_path;
    std::string label_path;
    for (std::size_t i = begin; i < end; ++i) {
      cached.images.CopyPath(i, &image_path);
      LabelPathOf(image_path, &label_path);
      if (SourceFingerprint(image_path, label_path) == cached.fingerprints[i]) continue;
      ++changed;
      std::size_t seen = first.load();
      while (i < seen && !first.compare_exchange_weak(seen, i)) {
      }
    }
  });
  if (changed == 0) return Unit{};
  return Failure{fmt::format("{} image{} or label{} changed, first {}", changed.load(),
                             changed == 1 ? "" : "s", changed == 1 ? "" : "s",
                             cached.images.Path(first))};
}

void TruncateScan(std::size_t count, DatasetScan* scan) {
  if (count >= scan->images.size()) return;
  scan->images.Truncate(count);
  scan->images.ShrinkToFit();
  scan->labels.TruncateImages(count);
  scan->states.resize(count);
  scan->states.shrink_to_fit();
  scan->sizes.resize(count);
  scan->sizes.shrink_to_fit();
  scan->fingerprints.resize(count);
  scan->fingerprints.shrink_to_fit();
  std::erase_if(scan->messages, [&](const ScanMessage& message) { return message.image >= count; });
  scan->message_count = scan->messages.size();
}

}  // namespace headroom
