// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/cutmix.h"

#include "headroom/core/check.h"
#include "headroom/geometry/box_filter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace headroom {
namespace {

constexpr std::size_t kCandidates = 3;

CutArea DrawArea(Rng& rng, ImageSize size) {
  const double side_share = std::sqrt(1 - rng.Beta(1, 1));
  const int width = static_cast<int>(size.width * side_share);
  const int height = static_cast<int>(size.height * side_share);
  const int x = static_cast<int>(rng.Below(static_cast<std::uint64_t>(size.width)));
  const int y = static_cast<int>(rng.Below(static_cast<std::uint64_t>(size.height)));
  return {.x1 = std::clamp(x - width / 2, 0, size.width),
          .y1 = std::clamp(y - height / 2, 0, size.height),
          .x2 = std::clamp(x + width / 2, 0, size.width),
          .y2 = std::clamp(y + height / 2, 0, size.height)};
}

Xyxy BoxOf(const CutArea& area) {
  return {static_cast<float>(area.x1), static_cast<float>(area.y1), static_cast<float>(area.x2),
          static_cast<float>(area.y2)};
}

}  // namespace

std::optional<CutArea> DrawCutArea(Rng rng, ImageSize size, const SceneObjects& objects) {
  std::array<CutArea, kCandidates> free;
  std::size_t count = 0;
  for (std::size_t i = 0; i < kCandidates; ++i) {
    const CutArea area = DrawArea(rng, size);
    const bool touches = std::any_of(
        objects.objects.begin(), objects.objects.end(),
        [&](const SceneObject& object) { return OverlapArea(object.box, BoxOf(area)) > 0; });
    if (!touches && !area.empty()) free[count++] = area;
  }
  if (count == 0) return std::nullopt;
  return free[rng.Below(count)];
}

bool AddObjectsInArea(const CutArea& area, const SceneObjects& partner, SceneObjects* objects) {
  const float min_share = partner.has_polygons() ? 0.01F : 0.1F;
  const Xyxy cut = BoxOf(area);
  bool added = false;
  for (const SceneObject& object : partner.objects) {
    const float inside = OverlapArea(object.box, cut);
    if (inside <= 0 || inside < min_share * object.box.area()) continue;
    const Xyxy& b = object.box;
    objects->objects.push_back({.class_id = object.class_id,
                                .box = {std::max(b.x1, cut.x1), std::max(b.y1, cut.y1),
                                        std::min(b.x2, cut.x2), std::min(b.y2, cut.y2)}});
    added = true;
  }
  return added;
}

void CopyArea(const CutArea& area, Flip flip, const ImageView& partner,
              const MutableImageView& image) {
  HEADROOM_CHECK(partner.size() == image.size(), "cutmix of pictures of different sizes");
  CutArea to = area;
  if (flip.horizontal) {
    to.x1 = image.width - area.x2;
    to.x2 = image.width - area.x1;
  }
  if (flip.vertical) {
    to.y1 = image.height - area.y2;
    to.y2 = image.height - area.y1;
  }
  const std::ptrdiff_t first = std::ptrdiff_t{3} * to.x1;
  for (int y = to.y1; y < to.y2; ++y) {
    std::memcpy(image.Row(y) + first, partner.Row(y) + first,
                static_cast<std::size_t>(to.x2 - to.x1) * 3);
  }
}

}  // namespace headroom
