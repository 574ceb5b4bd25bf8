// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/data/sample.h"
#include "headroom/geometry/box.h"
#include "headroom/memory/memory_need.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

// The labels of a whole data set in one flat table, not one object an image: class ids in the
// smallest integer that fits, 4 floats a box, one offset an image; polygons, when every box of the
// set has one, as flat floats with one offset a box. 1,000,000 images with 5,000,000 boxes: 91 MB.
// Immutable once built, so any number of threads may read.
class LabelTable {
 public:
  // Normalised x, y pairs; empty where the set has no polygons.
  using Polygon = std::span<const float>;

  [[nodiscard]] std::size_t image_count() const { return offsets_.size() - 1; }
  [[nodiscard]] std::size_t box_count() const { return boxes_.size(); }
  [[nodiscard]] bool has_polygons() const { return !polygon_offsets_.empty(); }
  // Boxes [first, last) of an image.
  [[nodiscard]] std::uint32_t first(std::size_t image) const { return offsets_[image]; }
  [[nodiscard]] std::uint32_t last(std::size_t image) const { return offsets_[image + 1]; }
  [[nodiscard]] std::int32_t class_id(std::size_t box) const;
  [[nodiscard]] const Xywh& box(std::size_t box) const { return boxes_[box]; }
  [[nodiscard]] Polygon polygon(std::size_t box) const;
  // -1 without boxes.
  [[nodiscard]] std::int32_t max_class() const;
  [[nodiscard]] Bytes NumBytes() const;

  // Before it is shared: keeps the first images; takes out images that have no boxes.
  void TruncateImages(std::size_t images);
  void RemoveEmptyImages(const std::vector<bool>& keep);

 private:
  friend class LabelTableBuilder;
  friend class LabelCacheAccess;
  std::vector<std::uint32_t> offsets_{0};
  std::vector<Xywh> boxes_;
  std::vector<std::uint8_t> class_ids_;  // class_width_ bytes each, host order.
  int class_width_ = 1;
  std::vector<std::uint64_t> polygon_offsets_;  // In floats; box_count() + 1 of them, or none.
  std::vector<float> polygon_points_;
};

// How labels are read: single_cls and classes= cost nothing, since they are ways of looking at the
// table, not copies of it.
struct LabelFilter {
  bool single_class = false;               // Every class is read as 0.
  std::vector<std::int32_t> only_classes;  // Sorted; empty: all.
};

// A table seen through a filter. Cheap to copy but for the list of classes; holds a pointer to the
// table, which must outlive it. Thread-safe.
class LabelView {
 public:
  LabelView(const LabelTable& table, LabelFilter filter);

  [[nodiscard]] const LabelTable& table() const { return *table_; }
  [[nodiscard]] std::size_t image_count() const { return table_->image_count(); }
  // use(class id, const Xywh&, Polygon) for every visible box of the image, in file order.
  template <typename Use>
  void ForEach(std::size_t image, Use&& use) const {
    for (std::uint32_t i = table_->first(image); i < table_->last(image); ++i) {
      const std::int32_t id = table_->class_id(i);
      if (Visible(id)) use(filter_.single_class ? 0 : id, table_->box(i), table_->polygon(i));
    }
  }
  [[nodiscard]] std::size_t Count(std::size_t image) const;
  // Appends the image's boxes.
  void Append(std::size_t image, std::vector<LabelBox>* boxes) const;
  // The largest count of one image, and the count of all (O(boxes) when filtered).
  [[nodiscard]] std::size_t MaxCount() const;
  [[nodiscard]] std::size_t TotalCount() const;

 private:
  [[nodiscard]] bool Visible(std::int32_t id) const;
  const LabelTable* table_;
  LabelFilter filter_;
};

// The labels of some images while they are collected.
struct LabelRows {
  std::vector<std::uint32_t> boxes_per_image;
  std::vector<std::int32_t> class_ids;
  std::vector<Xywh> boxes;
  std::vector<std::uint32_t> floats_per_polygon;  // One a box; 0 where its line had none.
  std::vector<float> points;

  [[nodiscard]] Bytes NumBytes() const;
};

struct LabelTableSize {
  std::uint64_t images = 0;
  std::uint64_t boxes = 0;
  std::int32_t max_class = 0;
  std::uint64_t polygon_floats = 0;  // 0: none.
};

// Collects rows in image order, then builds the table with exact sizes.
class LabelTableBuilder {
 public:
  void Append(LabelRows rows);
  // True when some boxes have polygons and some do not: all polygons are then dropped, since
  // augmentation needs one kind.
  [[nodiscard]] bool MixesPolygons() const;
  // Of the table that Build would make.
  [[nodiscard]] LabelTableSize Size() const;
  // Held by the rows so far.
  [[nodiscard]] Bytes NumBytes() const { return bytes_; }
  // Consumes the rows part by part.
  [[nodiscard]] LabelTable Build();

 private:
  std::vector<LabelRows> parts_;
  Bytes bytes_;
};

// Host bytes of a table (tag kLabels).
[[nodiscard]] MemoryNeed EstimateMemory(const LabelTableSize& size);

}  // namespace headroom
