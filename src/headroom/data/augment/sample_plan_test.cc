// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/sample_plan.h"

#include "headroom/core/error.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

class CountingPartners : public PartnerDraw {
 public:
  [[nodiscard]] std::uint32_t NearbyImage(Rng& rng) const override {
    return 100 + static_cast<std::uint32_t>(rng.Below(10));
  }
  [[nodiscard]] std::uint32_t AnyImage(Rng& rng) const override {
    return 500 + static_cast<std::uint32_t>(rng.Below(10));
  }
};

TEST(SamplePlan, MosaicsHaveTheirOwnImageFirst) {
  const SamplePlan plan = PlanSample({}, 640, 7, Rng(1).Fork(0, 3), CountingPartners());
  EXPECT_EQ(plan.scene.image_count, 4);
  EXPECT_EQ(plan.scene.images[0], 7U);
  for (std::size_t k = 1; k < 4; ++k) EXPECT_GE(plan.scene.images[k], 100U);
  EXPECT_FALSE(plan.mixup || plan.cutmix || plan.paste_from);
}

TEST(SamplePlan, GatesOpenAtTheirRates) {
  AugmentOptions options;
  options.mosaic = 0.7;
  options.mixup = 0.3;
  options.cutmix = 0.2;
  options.bgr = 0.1;
  int mosaic = 0, mixup = 0, cutmix = 0, bgr = 0, both = 0;
  constexpr int kDraws = 10000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const SamplePlan plan = PlanSample(options, 640, 7, Rng(1).Fork(0, i), CountingPartners());
    mosaic += plan.scene.image_count == 4;
    mixup += plan.mixup.has_value();
    cutmix += plan.cutmix.has_value();
    bgr += plan.keep_bgr;
    both += plan.mixup.has_value() && plan.cutmix.has_value();
    EXPECT_GE(plan.mixup ? plan.mixup->images[0] : 500U, 500U);
  }
  EXPECT_NEAR(mosaic, 7000, 200);
  EXPECT_NEAR(mixup, 3000, 200);
  EXPECT_NEAR(cutmix, 2000, 200);
  EXPECT_NEAR(bgr, 1000, 150);
  EXPECT_NEAR(both, 600, 120);
}

TEST(SamplePlan, SwitchingOneOperationOffLeavesTheOthersDraws) {
  const SamplePlan on = PlanSample({}, 640, 7, Rng(1).Fork(2, 3), CountingPartners());
  const SamplePlan off =
      PlanSample(AugmentOptions{}.WithoutMosaic(), 640, 7, Rng(1).Fork(2, 3), CountingPartners());
  EXPECT_EQ(off.scene.image_count, 1);
  EXPECT_EQ(on.hsv.saturation_gain, off.hsv.saturation_gain);
  EXPECT_EQ(on.flip, off.flip);
  EXPECT_EQ(on.scene.affine.zoom, off.scene.affine.zoom);
}

TEST(AugmentOptions, RefusesWhatIsOutOfRangeAndNamesIt) {
  AugmentOptions options;
  options.mixup = 1.5;
  try {
    options.Validate();
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("mixup=1.5"), std::string::npos);
  }
}

}  // namespace
}  // namespace headroom
