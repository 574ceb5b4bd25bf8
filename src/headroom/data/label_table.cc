// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/label_table.h"

#include "headroom/core/check.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace headroom {
namespace {

int ClassWidth(std::int32_t max_class) {
  if (max_class <= std::numeric_limits<std::uint8_t>::max()) return 1;
  return max_class <= std::numeric_limits<std::uint16_t>::max() ? 2 : 4;
}

// The host is little-endian (core/checksum.cc asserts it): the low bytes come first.
void PutClass(std::int32_t id, int width, std::vector<std::uint8_t>* ids) {
  for (int byte = 0; byte < width; ++byte)
    ids->push_back(static_cast<std::uint8_t>(id >> 8 * byte));
}

struct Totals {
  LabelTableSize size;
  std::uint64_t boxes_with_polygons = 0;
};

Totals Sum(const std::vector<LabelRows>& parts) {
  Totals totals;
  totals.size.max_class = -1;
  for (const LabelRows& part : parts) {
    totals.size.images += part.boxes_per_image.size();
    totals.size.boxes += part.boxes.size();
    totals.size.polygon_floats += part.points.size();
    for (const std::int32_t id : part.class_ids)
      totals.size.max_class = std::max(totals.size.max_class, id);
    for (const std::uint32_t floats : part.floats_per_polygon)
      totals.boxes_with_polygons += floats > 0;
  }
  return totals;
}

template <typename T>
Bytes Held(const std::vector<T>& values) {
  return Bytes::Of(values.capacity(), sizeof(T));
}

}  // namespace

std::int32_t LabelTable::class_id(std::size_t box) const {
  switch (class_width_) {
    case 1:
      return class_ids_[box];
    case 2: {
      std::uint16_t id = 0;
      std::memcpy(&id, class_ids_.data() + 2 * box, sizeof(id));
      return id;
    }
    default: {
      std::int32_t id = 0;
      std::memcpy(&id, class_ids_.data() + 4 * box, sizeof(id));
      return id;
    }
  }
}

LabelTable::Polygon LabelTable::polygon(std::size_t box) const {
  if (!has_polygons()) return {};
  const std::uint64_t begin = polygon_offsets_[box];
  return {polygon_points_.data() + begin,
          static_cast<std::size_t>(polygon_offsets_[box + 1] - begin)};
}

std::int32_t LabelTable::max_class() const {
  std::int32_t most = -1;
  for (std::size_t i = 0; i < box_count(); ++i) most = std::max(most, class_id(i));
  return most;
}

Bytes LabelTable::NumBytes() const {
  return Held(offsets_) + Held(boxes_) + Held(class_ids_) + Held(polygon_offsets_) +
         Held(polygon_points_);
}

LabelView::LabelView(const LabelTable& table, LabelFilter filter)
    : table_(&table), filter_(std::move(filter)) {
  std::sort(filter_.only_classes.begin(), filter_.only_classes.end());
}

bool LabelView::Visible(std::int32_t id) const {
  return filter_.only_classes.empty() ||
         std::binary_search(filter_.only_classes.begin(), filter_.only_classes.end(), id);
}

std::size_t LabelView::Count(std::size_t image) const {
  if (filter_.only_classes.empty()) return table_->last(image) - table_->first(image);
  std::size_t count = 0;
  ForEach(image, [&](std::int32_t, const Xywh&, LabelTable::Polygon) { ++count; });
  return count;
}

void LabelView::Append(std::size_t image, std::vector<LabelBox>* boxes) const {
  ForEach(image, [&](std::int32_t id, const Xywh& box, LabelTable::Polygon) {
    boxes->push_back({id, box});
  });
}

std::size_t LabelView::MaxCount() const {
  std::size_t most = 0;
  for (std::size_t image = 0; image < image_count(); ++image) most = std::max(most, Count(image));
  return most;
}

std::size_t LabelView::TotalCount() const {
  if (filter_.only_classes.empty()) return table_->box_count();
  std::size_t total = 0;
  for (std::size_t image = 0; image < image_count(); ++image) total += Count(image);
  return total;
}

Bytes LabelRows::NumBytes() const {
  return Held(boxes_per_image) + Held(class_ids) + Held(boxes) + Held(floats_per_polygon) +
         Held(points);
}

void LabelTableBuilder::Append(LabelRows rows) {
  bytes_ += rows.NumBytes();
  parts_.push_back(std::move(rows));
}

bool LabelTableBuilder::MixesPolygons() const {
  const Totals totals = Sum(parts_);
  return totals.boxes_with_polygons > 0 && totals.boxes_with_polygons < totals.size.boxes;
}

LabelTableSize LabelTableBuilder::Size() const {
  Totals totals = Sum(parts_);
  if (totals.boxes_with_polygons < totals.size.boxes) totals.size.polygon_floats = 0;
  return totals.size;
}

LabelTable LabelTableBuilder::Build() {
  const LabelTableSize size = Size();
  HEADROOM_CHECK(size.boxes <= std::numeric_limits<std::uint32_t>::max(), "more than 2^32 boxes");
  const bool polygons = size.polygon_floats > 0;
  LabelTable table;
  table.class_width_ = ClassWidth(size.max_class);
  table.offsets_.reserve(size.images + 1);
  table.boxes_.reserve(size.boxes);
  table.class_ids_.reserve(size.boxes * static_cast<std::uint64_t>(table.class_width_));
  if (polygons) {
    table.polygon_points_.reserve(size.polygon_floats);
    table.polygon_offsets_.reserve(size.boxes + 1);
    table.polygon_offsets_.push_back(0);
  }
  for (LabelRows& part : parts_) {
    for (const std::uint32_t count : part.boxes_per_image)
      table.offsets_.push_back(table.offsets_.back() + count);
    for (const std::int32_t id : part.class_ids)
      PutClass(id, table.class_width_, &table.class_ids_);
    table.boxes_.insert(table.boxes_.end(), part.boxes.begin(), part.boxes.end());
    if (polygons) {
      table.polygon_points_.insert(table.polygon_points_.end(), part.points.begin(),
                                   part.points.end());
      for (const std::uint32_t floats : part.floats_per_polygon) {
        table.polygon_offsets_.push_back(table.polygon_offsets_.back() + floats);
      }
    }
    part = LabelRows();
  }
  parts_.clear();
  bytes_ = Bytes();
  return table;
}

void LabelTable::TruncateImages(std::size_t images) {
  offsets_.resize(images + 1);
  const std::size_t boxes = offsets_.back();
  boxes_.resize(boxes);
  class_ids_.resize(boxes * static_cast<std::size_t>(class_width_));
  if (has_polygons()) {
    polygon_offsets_.resize(boxes + 1);
    polygon_points_.resize(polygon_offsets_.back());
  }
  offsets_.shrink_to_fit();
  boxes_.shrink_to_fit();
  class_ids_.shrink_to_fit();
  polygon_offsets_.shrink_to_fit();
  polygon_points_.shrink_to_fit();
}

void LabelTable::RemoveEmptyImages(const std::vector<bool>& keep) {
  HEADROOM_CHECK(keep.size() == image_count(), "one flag an image");
  std::size_t kept = 0;
  for (std::size_t image = 0; image < keep.size(); ++image) {
    HEADROOM_CHECK(keep[image] || first(image) == last(image),
                   "only images without boxes can be removed");
    if (keep[image]) offsets_[++kept] = offsets_[image + 1];
  }
  offsets_.resize(kept + 1);
}

MemoryNeed EstimateMemory(const LabelTableSize& size) {
  Bytes bytes =
      Bytes::Of(size.images + 1, sizeof(std::uint32_t)) +
      Bytes::Of(size.boxes, sizeof(Xywh) + static_cast<std::uint64_t>(ClassWidth(size.max_class)));
  if (size.polygon_floats > 0) {
    bytes += Bytes::Of(size.boxes + 1, sizeof(std::uint64_t)) +
             Bytes::Of(size.polygon_floats, sizeof(float));
  }
  return {MemoryTag::kLabels, bytes};
}

}  // namespace headroom
