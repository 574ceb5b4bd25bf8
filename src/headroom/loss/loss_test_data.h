// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/rng.h"
#include "headroom/loss/detection_loss.h"
#include "headroom/loss/task_aligned_assigner_reference.h"

#include <ATen/core/Tensor.h>

#include <vector>

namespace headroom::testing {

// A map [b, channels, height, width] in channels-last memory whose value at flat NCHW index k is
// 2 sin(0.37 k + phase), evaluated in double and rounded to fp32.
at::Tensor SineMap(std::int64_t images, std::int64_t channels, std::int64_t height,
                   std::int64_t width, double phase);

// Normal logits, so that boxes and scores differ from anchor to anchor.
HeadMaps RandomMaps(Rng rng, const DetectionLossOptions& options, std::int64_t images, int height,
                    int width);

// Boxes of all sizes from a few pixels to the whole image.
BatchTargets RandomTargets(Rng rng, int classes, std::vector<int> boxes_per_image, int height,
                           int width);

// A label (class; centre and size normalised to the image) in network pixels.
TrueBox Label(int class_id, const Xywh& normalised, int height, int width);

// NaN everywhere, so that what is not written shows.
HeadMaps Unwritten(const HeadMaps& maps);

// The single image `i` of every map, and images [begin, end) of targets.
HeadMaps Images(const HeadMaps& maps, std::int64_t begin, std::int64_t end);
BatchTargets Images(const BatchTargets& targets, std::int64_t begin, std::int64_t end);

// One image's predictions over a grid, as plain arrays.
struct Scene {
  Scene(const AnchorGrid& g, int class_count);

  AnchorGrid grid;
  int classes;
  std::vector<Xyxy> boxes;    // [anchors], pixels.
  std::vector<float> logits;  // [anchors][classes]
};

// The assigner's result with a workspace of exactly the declared size.
struct Assigned {
  std::vector<AssignedAnchor> anchors;
  std::size_t workspace_bytes = 0;
};
Assigned Assign(const AssignerOptions& options, const Scene& scene,
                std::span<const TrueBox> targets);
DenseAssignment AssignWithTwin(const AssignerOptions& options, const Scene& scene,
                               std::span<const TrueBox> targets);

double SumOfMagnitudes(const at::Tensor& tensor);

}  // namespace headroom::testing
