// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/augment/scene_objects.h"
#include "headroom/image/image.h"

#include <cstdint>
#include <vector>

namespace headroom {

// Pastes objects with polygons from one picture into another of the same size. Keeps
// its buffers; one a worker.
class CopyPaste {
 public:
  // Flip mode, on the drawn canvas: the picture's own objects, mirrored left to right.
  void PasteMirrored(double share, const MutableImageView& canvas, SceneObjects* objects);
  // Mixup mode: the objects of another picture.
  void PasteFrom(double share, const ImageView& source, const SceneObjects& source_objects,
                 const MutableImageView& image, SceneObjects* objects);

  [[nodiscard]] Bytes NumBytes() const { return mirrored_.NumBytes(); }

 private:
  struct Candidate {
    float overlap;        // The largest share of an existing box that it would hide.
    std::uint32_t index;  // Into the source objects.
  };
  void ChooseCandidates(double share, const SceneObjects& source, const SceneObjects& objects);

  Image mirrored_;
  SceneObjects mirrored_objects_;
  std::vector<Candidate> candidates_;
  std::vector<float> crossings_;
};

}  // namespace headroom
