// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/mixup.h"

#include "headroom/core/check.h"

namespace headroom {

float DrawMixUpRatio(Rng rng) { return static_cast<float>(rng.Beta(32, 32)); }

void MixUpPixels(float ratio, const ImageView& partner, const MutableImageView& image) {
  HEADROOM_CHECK(partner.size() == image.size(), "mixup of pictures of different sizes");
  for (int y = 0; y < image.height; ++y) {
    std::uint8_t* to = image.Row(y);
    const std::uint8_t* from = partner.Row(y);
    for (int i = 0; i < image.width * 3; ++i) {
      to[i] = static_cast<std::uint8_t>(static_cast<float>(to[i]) * ratio +
                                        static_cast<float>(from[i]) * (1 - ratio));
    }
  }
}

void AppendAll(const SceneObjects& partner, SceneObjects* objects) {
  const auto shift = static_cast<std::uint32_t>(objects->points.size());
  objects->points.insert(objects->points.end(), partner.points.begin(), partner.points.end());
  for (SceneObject object : partner.objects) {
    object.first_value += shift;
    objects->objects.push_back(object);
  }
}

}  // namespace headroom
