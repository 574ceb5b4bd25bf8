// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/augment/copy_paste.h"
#include "headroom/data/augment/sample_plan.h"
#include "headroom/data/augment/scene_objects.h"
#include "headroom/data/augment/scene_renderer.h"
#include "headroom/data/label_table.h"
#include "headroom/memory/memory_need.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace headroom {

// An image as it enters the pipeline: RGB, long side the training size.
struct LoadedImage {
  ImageView pixels;
  std::uint32_t image = 0;  // Whose pixels and labels these are: another one where it was corrupt.
};

// Gives a sample its images. One a worker.
class ImageProvider {
 public:
  virtual ~ImageProvider() = default;
  // Valid until ReleaseAll. At most MosaicCanvas::kMaxTiles at a time.
  [[nodiscard]] virtual LoadedImage Load(std::uint32_t image) = 0;
  virtual void ReleaseAll() = 0;
};

// Carries out plans: the training augmentation in the order of 8.4.190 (mosaic, copy-paste, affine,
// mixup, cutmix, colours, flips; flips ride along with the warp). Keeps its buffers; one a worker.
class TrainingAugment {
 public:
  explicit TrainingAugment(std::unique_ptr<SceneRenderer> renderer)
      : renderer_(std::move(renderer)) {}

  // Fills `out` (packed, the sample's shape) and `labels` (replaced; normalised to it). Returns the
  // image whose sample it really is.
  std::uint32_t Make(const SamplePlan& plan, const LabelView& labels, ImageProvider& images,
                     const MutableImageView& out, std::vector<LabelBox>* boxes);

 private:
  // Renders one picture; its objects are those of the output, unflipped.
  std::uint32_t MakeScene(const ScenePlan& scene, double paste_share, Flip flip,
                          const ColourPlan& colours, const LabelView& labels, ImageProvider& images,
                          const MutableImageView& out, SceneObjects* objects);
  void Mix(const SamplePlan& plan, const LabelView& labels, ImageProvider& images,
           const MutableImageView& out);

  std::unique_ptr<SceneRenderer> renderer_;
  CopyPaste copy_paste_;
  Image canvas_;   // Only where copy-paste edits it.
  Image partner_;  // Only with mixup, cutmix or copy_paste_mode=mixup.
  SceneObjects objects_;
  SceneObjects partner_objects_;
};

// Host bytes of one worker's TrainingAugment (tag kDecode), objects apart.
[[nodiscard]] MemoryNeed EstimateMemory(const AugmentOptions& options, ImageSize output);

}  // namespace headroom
