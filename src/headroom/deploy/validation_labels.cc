// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/validation_labels.h"

#include "headroom/deploy/unique_names.h"
#include "headroom/detect/map_boxes.h"

#include <algorithm>
#include <filesystem>

namespace headroom {
namespace {

// Bytes of the longest folder that is in the path of every image.
std::size_t SharedFolder(const DatasetIndex& index) {
  std::string shared;
  std::string path;
  for (std::size_t i = 0; i < index.size(); ++i) {
    index.CopyImagePath(i, &path);
    if (i == 0) shared = path;
    const auto differ = std::mismatch(shared.begin(), shared.end(), path.begin(), path.end());
    shared.erase(differ.first, shared.end());
    shared.resize(shared.rfind('/') + 1);
  }
  return shared.size();
}

}  // namespace

ValidationLabels::ValidationLabels(LabelFiles files, const DatasetIndex& index, Budget* budget)
    : files_(std::move(files)), index_(index), shared_(SharedFolder(index)) {
  files_.RemoveAll();
  FindEqualNames(budget);
}

std::string ValidationLabels::PlainName(std::uint32_t image) const {
  const std::string below = index_.ImagePath(image).substr(shared_);
  std::string name = std::filesystem::path(below).replace_extension().string();
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

std::string ValidationLabels::NameOf(std::uint32_t image) const {
  const auto found = std::lower_bound(numbers_.begin(), numbers_.end(), std::pair(image, 0));
  const bool numbered = found != numbers_.end() && found->first == image;
  return UniqueNames::With(PlainName(image), numbered ? found->second : 1);
}

// In the order of the list: images are met in another one.
void ValidationLabels::FindEqualNames(Budget* budget) {
  Reservation naming;
  if (budget != nullptr)
    naming = Reservation(*budget, MemoryTag::kOther, UniqueNames::EstimateBytes(index_.size()));
  UniqueNames names;
  for (std::uint32_t i = 0; i < index_.size(); ++i) {
    const int number = names.TakeNumber(PlainName(i));
    if (number > 1) numbers_.emplace_back(i, number);
  }
  numbers_.shrink_to_fit();
  if (budget != nullptr && !numbers_.empty()) {
    numbers_held_ = Reservation(*budget, MemoryTag::kOther,
                                Bytes::Of(numbers_.size(), sizeof(numbers_.front())));
  }
}

void ValidationLabels::Write(std::uint32_t image, std::span<const Detection> found,
                             const Sample& sample) {
  const LetterboxGeometry& g = sample.geometry;
  mapped_.assign(found.begin(), found.end());
  MapToSource(mapped_, {g.source_width, g.source_height, g.scale_x, g.scale_y, g.pad_x, g.pad_y});
  files_.Write(NameOf(image), mapped_, {g.source_height, g.source_width});
}

}  // namespace headroom
