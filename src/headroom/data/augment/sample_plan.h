// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/rng.h"
#include "headroom/data/augment/augment_options.h"
#include "headroom/data/augment/flip.h"
#include "headroom/data/augment/hsv.h"
#include "headroom/data/augment/mosaic.h"
#include "headroom/geometry/affine.h"

#include <array>
#include <cstdint>
#include <optional>

namespace headroom {

// Where the partners of a position come from.
class PartnerDraw {
 public:
  virtual ~PartnerDraw() = default;
  // For a mosaic: one of the positions before this one.
  [[nodiscard]] virtual std::uint32_t NearbyImage(Rng& rng) const = 0;
  // For mixup, cutmix and copy-paste: any image of the set.
  [[nodiscard]] virtual std::uint32_t AnyImage(Rng& rng) const = 0;
};

// One picture before it is mixed with others: an image, or a mosaic of four, and its affine map.
struct ScenePlan {
  std::array<std::uint32_t, MosaicCanvas::kMaxTiles> images{};
  int image_count = 1;
  MosaicLayout mosaic;  // Meaningful with four images.
  AffineParameters affine;
};

// Everything random about a sample, drawn before any pixel is touched: it says which images will be
// needed, and two renderers can be given the same one.
struct SamplePlan {
  ScenePlan scene;
  std::optional<ScenePlan> mixup;
  std::optional<ScenePlan> cutmix;
  std::optional<ScenePlan> paste_from;  // copy_paste_mode=mixup.
  float mixup_ratio = 1;
  Rng cutmix_rng{0};
  double paste_share = 0;  // copy_paste.
  HsvJitter hsv;
  Flip flip;
  bool keep_bgr = false;
};

// Each operation has its own stream under the position's, so that switching one off leaves the
// draws of the others as they were.
[[nodiscard]] SamplePlan PlanSample(const AugmentOptions& options, int image_size,
                                    std::uint32_t image, const Rng& position_rng,
                                    const PartnerDraw& partners);

}  // namespace headroom
