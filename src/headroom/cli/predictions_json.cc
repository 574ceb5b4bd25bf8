// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/predictions_json.h"

#include "headroom/core/file.h"
#include "headroom/detect/map_boxes.h"
#include "headroom/metrics/coco_json.h"

#include <vector>

namespace headroom {

void WritePredictionsJson(const std::filesystem::path& path, const DatasetIndex& index,
                          const std::function<void(const ReceiveDetections&)>& validate) {
  if (path.empty()) return validate({});
  WriteFileAtomic(path, [&](FileWriter& file) {
    CocoJsonWriter json(file);
    std::vector<Detection> mapped;
    validate([&](std::uint32_t image, std::span<const Detection> found, const Sample& sample) {
      mapped.assign(found.begin(), found.end());
      const LetterboxGeometry& g = sample.geometry;
      MapToSource(mapped,
                  {g.source_width, g.source_height, g.scale_x, g.scale_y, g.pad_x, g.pad_y});
      json.AddImage(index.ImagePath(image), mapped);
    });
    json.Finish();
  });
}

}  // namespace headroom
