// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/copy_paste.h"

#include "headroom/core/check.h"
#include "headroom/geometry/box_filter.h"
#include "headroom/geometry/polygon_fill.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace headroom {
namespace {

// A pasted object may hide less than this share of every object that is there.
constexpr float kMaxHidden = 0.3F;

void MirrorPixels(const ImageView& from, const MutableImageView& to) {
  for (int y = 0; y < from.height; ++y) {
    const std::uint8_t* source = from.Row(y);
    std::uint8_t* row = to.Row(y) + std::ptrdiff_t{3} * (from.width - 1);
    for (int x = 0; x < from.width; ++x, source += 3, row -= 3) std::memcpy(row, source, 3);
  }
}

}  // namespace

void CopyPaste::ChooseCandidates(double share, const SceneObjects& source,
                                 const SceneObjects& objects) {
  candidates_.clear();
  for (std::uint32_t i = 0; i < source.objects.size(); ++i) {
    if (source.objects[i].value_count == 0) continue;
    float worst = 0;
    for (const SceneObject& existing : objects.objects) {
      worst = std::max(
          worst, OverlapArea(source.objects[i].box, existing.box) / (existing.box.area() + 1e-7F));
    }
    if (worst < kMaxHidden) candidates_.push_back({worst, i});
  }
  std::stable_sort(candidates_.begin(), candidates_.end(),
                   [](const Candidate& a, const Candidate& b) { return a.overlap < b.overlap; });
  candidates_.resize(
      static_cast<std::size_t>(std::nearbyint(share * static_cast<double>(candidates_.size()))));
}

void CopyPaste::PasteMirrored(double share, const MutableImageView& canvas, SceneObjects* objects) {
  if (!objects->has_polygons()) return;
  const auto width = static_cast<float>(canvas.width);
  mirrored_objects_.objects = objects->objects;
  mirrored_objects_.points = objects->points;
  for (SceneObject& object : mirrored_objects_.objects) {
    const Xyxy box = object.box;
    object.box.x1 = width - box.x2;
    object.box.x2 = width - box.x1;
  }
  for (std::size_t i = 0; i < mirrored_objects_.points.size(); i += 2) {
    mirrored_objects_.points[i] = width - mirrored_objects_.points[i];
  }
  mirrored_.Reshape(canvas.size());
  MirrorPixels(canvas, mirrored_.view());
  PasteFrom(share, std::as_const(mirrored_).view(), mirrored_objects_, canvas, objects);
}

void CopyPaste::PasteFrom(double share, const ImageView& source, const SceneObjects& source_objects,
                          const MutableImageView& image, SceneObjects* objects) {
  HEADROOM_CHECK(source.size() == image.size(), "copy-paste between pictures of different sizes");
  ChooseCandidates(share, source_objects, *objects);
  for (const Candidate& candidate : candidates_) {
    SceneObject object = source_objects.objects[candidate.index];
    const std::span<const float> polygon = source_objects.PolygonOf(object);
    ForEachPolygonRun(polygon, image.height, image.width, &crossings_,
                      [&](int y, int begin, int end) {
                        const std::ptrdiff_t first = std::ptrdiff_t{3} * begin;
                        std::memcpy(image.Row(y) + first, source.Row(y) + first,
                                    static_cast<std::size_t>(end - begin) * 3);
                      });
    object.first_value = static_cast<std::uint32_t>(objects->points.size());
    objects->points.insert(objects->points.end(), polygon.begin(), polygon.end());
    objects->objects.push_back(object);
  }
}

}  // namespace headroom
