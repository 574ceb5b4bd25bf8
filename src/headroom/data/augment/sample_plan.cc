// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/sample_plan.h"

#include "headroom/data/augment/mixup.h"
#include "headroom/data/augment/random_affine.h"

namespace headroom {
namespace {

// Names of the streams. Never renumber: samples would change.
enum class Stream : std::uint64_t {
  kMosaic = 1,
  kMosaicCentre,
  kAffine,
  kMixUp,
  kMixUpScene,
  kMixUpRatio,
  kCutMix,
  kCutMixScene,
  kCutArea,
  kPaste,
  kPasteScene,
  kHsv,
  kFlip,
  kBgr,
};

Rng StreamOf(const Rng& rng, Stream stream) { return rng.Fork(static_cast<std::uint64_t>(stream)); }

ScenePlan PlanScene(const AugmentOptions& options, int image_size, std::uint32_t image,
                    const Rng& rng, const PartnerDraw& partners) {
  ScenePlan scene;
  scene.images[0] = image;
  Rng mosaic = StreamOf(rng, Stream::kMosaic);
  if (mosaic.Chance(options.mosaic)) {
    scene.image_count = MosaicCanvas::kMaxTiles;
    for (std::size_t k = 1; k < MosaicCanvas::kMaxTiles; ++k)
      scene.images[k] = partners.NearbyImage(mosaic);
    scene.mosaic = DrawMosaicLayout(StreamOf(rng, Stream::kMosaicCentre), image_size);
  }
  scene.affine = DrawAffine(StreamOf(rng, Stream::kAffine), options);
  return scene;
}

}  // namespace

SamplePlan PlanSample(const AugmentOptions& options, int image_size, std::uint32_t image,
                      const Rng& position_rng, const PartnerDraw& partners) {
  const auto partner_scene = [&](Rng gate, double probability,
                                 Stream stream) -> std::optional<ScenePlan> {
    if (!gate.Chance(probability)) return std::nullopt;
    const std::uint32_t partner = partners.AnyImage(gate);
    return PlanScene(options, image_size, partner, StreamOf(position_rng, stream), partners);
  };
  SamplePlan plan;
  plan.scene = PlanScene(options, image_size, image, position_rng, partners);
  plan.mixup =
      partner_scene(StreamOf(position_rng, Stream::kMixUp), options.mixup, Stream::kMixUpScene);
  plan.cutmix =
      partner_scene(StreamOf(position_rng, Stream::kCutMix), options.cutmix, Stream::kCutMixScene);
  plan.paste_share = options.copy_paste;
  if (options.copy_paste_mode == CopyPasteMode::kMixUp) {
    plan.paste_from = partner_scene(StreamOf(position_rng, Stream::kPaste),
                                    options.copy_paste > 0 ? 1 : 0, Stream::kPasteScene);
  }
  plan.mixup_ratio = DrawMixUpRatio(StreamOf(position_rng, Stream::kMixUpRatio));
  plan.cutmix_rng = StreamOf(position_rng, Stream::kCutArea);
  plan.hsv = DrawHsvJitter(StreamOf(position_rng, Stream::kHsv), options);
  plan.flip = DrawFlip(StreamOf(position_rng, Stream::kFlip), options);
  plan.keep_bgr = StreamOf(position_rng, Stream::kBgr).Chance(options.bgr);
  return plan;
}

}  // namespace headroom
