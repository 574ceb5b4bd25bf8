// SPDX-License-Identifier: Apache-2.0
#include "headroom/metrics/match_records.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

// libstdc++'s deque: blocks of 512 bytes, each with a pointer in a table of up to twice the size
// and the allocator's header; 9/8 covers them.
constexpr std::uint64_t kBlockBytes = 512;
constexpr std::uint64_t kFirstBlocksBytes = kBlockBytes + 128;

}  // namespace

MatchRecords::MatchRecords(int class_count) : classes_(static_cast<std::size_t>(class_count)) {}

void MatchRecords::AddImage(std::span<const Detection> detections, std::span<const MatchMask> masks,
                            std::span<const TrueBox> labels) {
  HEADROOM_CHECK(detections.size() == masks.size(),
                 fmt::format("{} detections, {} masks", detections.size(), masks.size()));
  ++images_;
  for (const TrueBox& label : labels) {
    if (label.class_id < 0 || label.class_id >= class_count()) continue;
    ClassRecords& of_class = classes_[static_cast<std::size_t>(label.class_id)];
    ++of_class.labels;
    if (of_class.last_image != images_) ++of_class.images;
    of_class.last_image = images_;
  }
  for (std::size_t i = 0; i < detections.size(); ++i) {
    const int class_id = detections[i].class_id;
    HEADROOM_CHECK(class_id >= 0 && class_id < class_count(),
                   fmt::format("class {} of {}", class_id, class_count()));
    classes_[static_cast<std::size_t>(class_id)].records.push_back(
        {detections[i].confidence, masks[i]});
  }
}

void MatchRecords::SortByConfidence() {
  for (ClassRecords& of_class : classes_) {
    std::stable_sort(
        of_class.records.begin(), of_class.records.end(),
        [](const MatchRecord& a, const MatchRecord& b) { return a.confidence > b.confidence; });
  }
}

MemoryNeed EstimateMemory(const MatchRecordsOptions& options) {
  const auto classes = static_cast<std::uint64_t>(options.class_count);
  const Bytes of_image =
      Bytes::Of(static_cast<std::uint64_t>(options.max_detections), sizeof(MatchRecord));
  const Bytes records = of_image * options.images;
  const Bytes blocks = Scale(records, 1.0 / 8);
  const Bytes sorting = Scale(records, 0.5);  // stable_sort's buffer, were all of one class.
  const Bytes empty = Bytes::Of(classes, sizeof(std::deque<MatchRecord>) + 24 + kFirstBlocksBytes);
  return {MemoryTag::kValidation, records + blocks + sorting + empty};
}

}  // namespace headroom
