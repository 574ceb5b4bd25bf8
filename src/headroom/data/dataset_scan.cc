// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/dataset_scan.h"

#include "headroom/core/checksum.h"
#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/parallel_chunks.h"
#include "headroom/data/image_list.h"
#include "headroom/data/label_file.h"
#include "headroom/image/image_decoder.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

namespace headroom {
namespace {

constexpr std::size_t kChunkImages = 64;

// What one thread found in a run of images.
struct Part {
  LabelRows rows;
  std::vector<ScanMessage> messages;
  std::uint64_t message_count = 0;
  std::uint64_t class_failures = 0;
  DecodeExtremes decode;
};

struct SharedCounts {
  std::array<std::atomic<std::int64_t>, 5> of_state{};
  std::atomic<std::int64_t> row_bytes{0};

  [[nodiscard]] ScanCounts Read(std::int64_t total) const {
    const auto of = [&](ImageState s) {
      return of_state[static_cast<std::size_t>(s)].load(std::memory_order_relaxed);
    };
    ScanCounts counts;
    counts.missing = of(ImageState::kNoLabel);
    counts.empty = of(ImageState::kEmptyLabel);
    counts.found = of(ImageState::kLabelled) + of(ImageState::kBadLabel) + counts.empty;
    counts.corrupt = of(ImageState::kBadImage) + of(ImageState::kBadLabel);
    counts.total = total;
    return counts;
  }
};

// One thread's tools.
class ImageScanner {
 public:
  ImageScanner(const ScanOptions& options, DatasetScan* scan) : options_(options), scan_(*scan) {}

  ImageState Scan(std::size_t image, Part* part) {
    scan_.images.CopyPath(image, &image_path_);
    LabelPathOf(image_path_, &label_path_);
    // Before the files are read: a change meanwhile is then found by the next run.
    scan_.fingerprints[image] = SourceFingerprint(image_path_, label_path_);
    const Result<ImageInfo> info = Verify();
    if (!info.ok())
      return Refuse(image, ImageState::kBadImage, fmt::format("{}: {}", image_path_, info.error()),
                    part);
    const ImageState state = ReadLabel(image, part);
    if (!IsKept(state)) return state;
    scan_.sizes[image] = info->size;
    struct stat file{};
    if (::stat(image_path_.c_str(), &file) == 0) {
      part->decode.Include(*info, Bytes(static_cast<std::uint64_t>(file.st_size)));
    }
    return state;
  }

 private:
  // The rare image that must be decoded comes out of the budget: what does not fit now would not
  // fit while training either.
  Result<ImageInfo> Verify() {
    Reservation held;
    const DecodeAdmission reserve = [&](const ImageInfo& info,
                                        const DecodeNeed& need) -> Result<Bytes> {
      held = Reservation::Try(*options_.budget, MemoryTag::kDecode, need.Total());
      if (!held.empty()) return need.Total();
      throw BudgetError(fmt::format("{} ({}x{} px) cannot be checked: {}", image_path_,
                                    info.size.width, info.size.height,
                                    options_.budget->Explain(MemoryTag::kDecode, need.Total())));
    };
    return decoder_.Verify(image_path_, options_.budget == nullptr ? DecodeAdmission() : reserve);
  }

  ImageState ReadLabel(std::size_t image, Part* part) {
    struct stat file{};
    if (::stat(label_path_.c_str(), &file) != 0) {
      part->rows.boxes_per_image.push_back(0);
      return ImageState::kNoLabel;
    }
    const Result<std::string> text = ReadFile(label_path_);
    if (!text.ok()) return Refuse(image, ImageState::kBadLabel, LeftOut(text.error()), part);
    const auto report = parser_.Parse(*text, label_path_, options_.num_classes, &part->rows);
    if (!report.ok()) {
      if (parser_.failed_on_class()) ++part->class_failures;
      return Refuse(image, ImageState::kBadLabel, LeftOut(report.error()), part);
    }
    if (report->duplicates > 0) {
      Say(image,
          fmt::format("{}: {} duplicate line{} ignored", label_path_, report->duplicates,
                      report->duplicates == 1 ? "" : "s"),
          part);
    }
    return part->rows.boxes_per_image.back() > 0 ? ImageState::kLabelled : ImageState::kEmptyLabel;
  }

  [[nodiscard]] std::string LeftOut(const std::string& reason) const {
    return fmt::format("{}; {} is left out", reason, image_path_);
  }

  static ImageState Refuse(std::size_t image, ImageState state, std::string text, Part* part) {
    part->rows.boxes_per_image.push_back(0);
    Say(image, std::move(text), part);
    return state;
  }

  static void Say(std::size_t image, std::string text, Part* part) {
    ++part->message_count;
    if (part->messages.size() < kMaxScanMessages) {
      part->messages.push_back({static_cast<std::uint32_t>(image), std::move(text)});
    }
  }

  const ScanOptions& options_;
  DatasetScan& scan_;
  ImageDecoder decoder_;
  LabelFileParser parser_;
  std::string image_path_;
  std::string label_path_;
};

void ShrinkToFit(LabelRows* rows) {
  rows->boxes_per_image.shrink_to_fit();
  rows->class_ids.shrink_to_fit();
  rows->boxes.shrink_to_fit();
  rows->floats_per_polygon.shrink_to_fit();
  rows->points.shrink_to_fit();
}

void Collect(std::vector<Part> parts, DatasetScan* scan) {
  LabelTableBuilder builder;
  for (Part& part : parts) {
    scan->message_count += part.message_count;
    scan->class_failures += part.class_failures;
    scan->decode.Include(part.decode);
    for (ScanMessage& message : part.messages) {
      if (scan->messages.size() < kMaxScanMessages) scan->messages.push_back(std::move(message));
    }
    builder.Append(std::move(part.rows));
    part = Part();
  }
  scan->dropped_polygons = builder.MixesPolygons();
  if (!scan->reservation.empty()) {
    scan->reservation.Resize(scan->NumBytes() + builder.NumBytes() +
                             EstimateMemory(builder.Size()).Total());
  }
  scan->labels = builder.Build();
  if (!scan->reservation.empty()) scan->reservation.Resize(scan->NumBytes());
}

}  // namespace

ScanCounts DatasetScan::Counts() const {
  SharedCounts counts;
  for (const ImageState state : states) ++counts.of_state[static_cast<std::size_t>(state)];
  return counts.Read(static_cast<std::int64_t>(states.size()));
}

Bytes DatasetScan::NumBytes() const {
  return images.NumBytes() + Bytes::Of(states.capacity(), sizeof(ImageState)) +
         Bytes::Of(sizes.capacity(), sizeof(ImageSize)) +
         Bytes::Of(fingerprints.capacity(), sizeof(std::uint64_t)) + labels.NumBytes();
}

DatasetScan ScanDataset(PathTable images, const ScanOptions& options) {
  DatasetScan scan;
  scan.images = std::move(images);
  scan.num_classes = options.num_classes;
  const std::size_t count = scan.images.size();
  if (options.budget != nullptr) {
    constexpr std::uint64_t kBytesPerImage =
        sizeof(ImageState) + sizeof(ImageSize) + sizeof(std::uint64_t);
    scan.reservation = Reservation(*options.budget, MemoryTag::kLabels,
                                   scan.images.NumBytes() + Bytes::Of(count, kBytesPerImage));
  }
  scan.states.resize(count);
  scan.sizes.resize(count);
  scan.fingerprints.resize(count);
  SharedCounts counts;
  ParallelChunksOptions chunks{.count = count,
                               .chunk_size = kChunkImages,
                               .threads = options.threads,
                               .stop = options.stop,
                               .on_progress = {}};
  chunks.on_progress = [&](std::size_t done) {
    if (!scan.reservation.empty()) {
      scan.reservation.Resize(scan.NumBytes() +
                              Bytes(static_cast<std::uint64_t>(counts.row_bytes.load())));
    }
    if (options.on_progress) {
      options.on_progress(static_cast<std::int64_t>(done),
                          counts.Read(static_cast<std::int64_t>(count)));
    }
  };
  std::vector<Part> parts((count + kChunkImages - 1) / kChunkImages);
  std::vector<ImageScanner> scanners;
  for (int i = 0; i < ThreadsFor(chunks); ++i) scanners.emplace_back(options, &scan);
  ParallelChunks(chunks, [&](int worker, std::size_t begin, std::size_t end) {
    Part& part = parts[begin / kChunkImages];
    for (std::size_t i = begin; i < end; ++i) {
      scan.states[i] = scanners[static_cast<std::size_t>(worker)].Scan(i, &part);
      ++counts.of_state[static_cast<std::size_t>(scan.states[i])];
    }
    ShrinkToFit(&part.rows);
    counts.row_bytes += static_cast<std::int64_t>(part.rows.NumBytes().count());
  });
  Collect(std::move(parts), &scan);
  return scan;
}

std::uint64_t SourceFingerprint(const std::string& image_path, const std::string& label_path) {
  std::array<std::int64_t, 6> facts{};
  std::size_t at = 0;
  for (const std::string* path : {&image_path, &label_path}) {
    struct stat file{};
    if (::stat(path->c_str(), &file) != 0) file.st_size = -1;
    facts[at++] = file.st_size;
    facts[at++] = file.st_mtim.tv_sec;
    facts[at++] = file.st_mtim.tv_nsec;
  }
  return Checksum64(facts.data(), sizeof(facts));
}

}  // namespace headroom
