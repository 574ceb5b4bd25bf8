// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/detect/find_candidates.h"
#include "headroom/evaluate/detector_facts.h"
#include "headroom/geometry/detection.h"
#include "headroom/image/image.h"

#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

// What counts as a detection.
struct DetectorOptions {
  float confidence = 0.25F;
  float iou = 0.7F;
  int max_detections = 300;
  LabelsPerAnchor labels = LabelsPerAnchor::kBest;
  bool agnostic = false;
  std::vector<std::int32_t> classes;  // Only these; empty: all.
};

// A model file that is ready to run, whatever its format. One thread drives it.
class Detector {
 public:
  virtual ~Detector() = default;

  [[nodiscard]] virtual const DetectorFacts& facts() const = 0;
  // Room for the pictures of the next Run, packed RGB [images, height, width, 3]; the caller writes
  // them. Multiples of the stride; a detector of fixed size takes that size and at most
  // facts().batch images. Throws what ends the command when memory is short.
  virtual std::span<std::uint8_t> Prepare(int images, ImageSize size) = 0;
  virtual void Run() = 0;
  // Of an image of the last Run: best first, network pixels, not clipped. Valid until the next
  // call.
  virtual std::span<const Detection> Detections(int image) = 0;
};

}  // namespace headroom
