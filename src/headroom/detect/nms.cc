// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/nms.h"

#include "headroom/core/check.h"
#include "headroom/detect/decode_predictions.h"

#include <fmt/format.h>

namespace headroom {
namespace {

int GroupCount(const NmsOptions& options) { return options.agnostic ? 1 : options.class_count; }

}  // namespace

NonMaximumSuppression::NonMaximumSuppression(const NmsOptions& options)
    : options_(options),
      rule_{options.confidence, options.labels,
            WantedClasses(options.classes, options.class_count)},
      candidates_(static_cast<std::size_t>(options.max_candidates)),
      filter_(options.iou, GroupCount(options), options.max_detections) {
  detections_.reserve(static_cast<std::size_t>(options.max_detections));
}

std::span<const Detection> NonMaximumSuppression::Run(const HeadView& head) { return RunOn(head); }

std::span<const Detection> NonMaximumSuppression::Run(const DecodedView& decoded) {
  return RunOn(decoded);
}

template <typename View>
std::span<const Detection> NonMaximumSuppression::RunOn(const View& view) {
  HEADROOM_CHECK(view.class_count == options_.class_count,
                 fmt::format("{} classes, not {}", view.class_count, options_.class_count));
  candidates_.Clear();
  filter_.Clear();
  detections_.clear();
  FindCandidates(view, rule_, candidates_);
  for (const Candidate& candidate : candidates_.Sorted()) {
    if (detections_.size() == static_cast<std::size_t>(options_.max_detections)) break;
    const Xyxy box = DecodeBox(view, candidate.anchor);
    if (filter_.Keep(box, options_.agnostic ? 0 : candidate.class_id)) {
      detections_.push_back({box, candidate.score, candidate.class_id});
    }
  }
  return detections_;
}

MemoryNeed EstimateMemory(const NmsOptions& options) {
  return {MemoryTag::kValidation,
          CandidateBuffer::SizeFor(static_cast<std::size_t>(options.max_candidates)) +
              OverlapFilter::SizeFor(GroupCount(options), options.max_detections) +
              Bytes::Of(static_cast<std::uint64_t>(options.max_detections), sizeof(Detection)) +
              Bytes(static_cast<std::uint64_t>(options.class_count))};
}

}  // namespace headroom
