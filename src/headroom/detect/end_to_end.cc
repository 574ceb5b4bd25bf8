// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/end_to_end.h"

#include "headroom/core/check.h"
#include "headroom/detect/decode_predictions.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {

EndToEndSelection::EndToEndSelection(const EndToEndOptions& options)
    : options_(options),
      wanted_(WantedClasses(options.classes, options.class_count)),
      anchors_(static_cast<std::size_t>(options.max_detections)),
      scores_(static_cast<std::size_t>(options.max_detections)) {
  detections_.reserve(static_cast<std::size_t>(options.max_detections));
}

void EndToEndSelection::AddAllClasses(const HeadView& head, std::uint32_t anchor) {
  const float* row = ClassRow(head, anchor);
  for (int c = 0; c < head.class_count; ++c) {
    const float score = Sigmoid(row[c]);
    if (score > options_.confidence) scores_.Add({score, anchor, c});
  }
}

void EndToEndSelection::Append(const Detection& detection) {
  const auto class_id = static_cast<std::size_t>(detection.class_id);
  if (wanted_.empty() || wanted_[class_id] != 0) detections_.push_back(detection);
}

std::span<const Detection> EndToEndSelection::Run(const HeadView& head) {
  HEADROOM_CHECK(head.class_count == options_.class_count,
                 fmt::format("{} classes, not {}", head.class_count, options_.class_count));
  anchors_.Clear();
  scores_.Clear();
  detections_.clear();
  // What is not above the confidence cannot displace what is, so it is never looked at.
  FindCandidates(head, {options_.confidence, LabelsPerAnchor::kBest, {}}, anchors_);
  const std::span<const Candidate> anchors = anchors_.Sorted();
  if (!options_.agnostic) {
    for (const Candidate& candidate : anchors) AddAllClasses(head, candidate.anchor);
  }
  // k of the reference: an image smaller than max_detections anchors gives no more than it has.
  const std::span<const Candidate> chosen_ones = options_.agnostic ? anchors : scores_.Sorted();
  const std::size_t most = std::min(chosen_ones.size(), head.anchor_count());
  for (const Candidate& chosen : chosen_ones.first(most)) {
    Append({DecodeBox(head, chosen.anchor), chosen.score, chosen.class_id});
  }
  return detections_;
}

std::span<const Detection> EndToEndSelection::Filter(std::span<const float> rows) {
  HEADROOM_CHECK(rows.size() % 6 == 0, fmt::format("{} floats are no rows of 6", rows.size()));
  detections_.clear();
  for (std::size_t i = 0; i < rows.size(); i += 6) {
    const float* row = rows.data() + i;
    if (detections_.size() == static_cast<std::size_t>(options_.max_detections)) break;
    if (!(row[4] > options_.confidence)) continue;
    // Comparing as floats first: a cast of a wild value would be undefined.
    if (!(row[5] >= 0 && row[5] < static_cast<float>(options_.class_count))) continue;
    Append({{row[0], row[1], row[2], row[3]}, row[4], static_cast<std::int32_t>(row[5])});
  }
  return detections_;
}

MemoryNeed EstimateMemory(const EndToEndOptions& options) {
  const auto most = static_cast<std::uint64_t>(options.max_detections);
  return {MemoryTag::kValidation, CandidateBuffer::SizeFor(most) * 2 +
                                      Bytes::Of(most, sizeof(Detection)) +
                                      Bytes(static_cast<std::uint64_t>(options.class_count))};
}

}  // namespace headroom
