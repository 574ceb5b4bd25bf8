// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/detection.h"

#include <span>
#include <string>

namespace headroom {

// What `predict` says of an image: "2 cats, 1 dog, " by class id, or "(no detections), ".
// Names by class id; throws InternalError for a class without a name.
[[nodiscard]] std::string DetectionSummary(std::span<const Detection> detections,
                                           std::span<const std::string> names);

enum class WithConfidence : bool { kNo, kYes };

// The lines of a save_txt file, each with its newline: "class x y w h [confidence]", centre and
// size normalised to the image, six significant digits. Boxes in pixels of the image.
[[nodiscard]] std::string DetectionLines(std::span<const Detection> detections, int image_width,
                                         int image_height, WithConfidence with_confidence);

}  // namespace headroom
