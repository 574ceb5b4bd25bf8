// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/dataset_index.h"
#include "headroom/data/sample.h"
#include "headroom/geometry/detection.h"
#include "headroom/plot/picture_grid.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace headroom {

// Samples as pictures.

// Of a batch the first three are drawn, and of a batch at most so many pictures.
inline constexpr std::int64_t kDrawnBatches = 3;
inline constexpr std::int64_t kDrawnPictures = PictureGridOptions::kMostPictures;

// A lattice for `count` pictures, of which none is larger than `picture` or `sample`.
[[nodiscard]] PictureGridOptions GridFor(std::int64_t count, ImageSize picture);
[[nodiscard]] PictureGridOptions GridFor(std::int64_t count, const Sample& sample);
// Its labels, by name.
[[nodiscard]] std::vector<DrawnBox> LabelBoxes(const Sample& sample,
                                               std::span<const std::string> names);
// Detections in the sample's pixels, with their confidence; those below 0.25 are noise in a picture
// and left out.
[[nodiscard]] std::vector<DrawnBox> DetectionBoxes(std::span<const Detection> detections,
                                                   std::span<const std::string> names);
// Draws it with the name of its file.
void AddToGrid(const Sample& sample, const DatasetIndex& index, std::span<const DrawnBox> boxes,
               PictureGrid& grid);

}  // namespace headroom
