// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/file.h"
#include "headroom/geometry/detection.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace headroom {

// predictions.json of save_json: COCO's result list, written image by image, so nothing is held but
// one image's text. Use it inside WriteFileAtomic, around the whole validation. Throws WriteError.
class CocoJsonWriter {
 public:
  // category_ids by class; empty: class + 1. For COCO itself see CocoCategoryIds().
  explicit CocoJsonWriter(FileWriter& file, std::vector<std::int32_t> category_ids = {});

  // Detections in pixels of the source image. The image's id is its stem, as a number if it is one.
  void AddImage(const std::filesystem::path& image, std::span<const Detection> detections);
  // Closes the list; call once, last.
  void Finish();

 private:
  FileWriter& file_;
  std::vector<std::int32_t> category_ids_;
  std::string text_;
  bool first_ = true;
};

// The 80 classes' ids in COCO's annotation files, which run to 90 with gaps (cocodataset.org).
[[nodiscard]] std::vector<std::int32_t> CocoCategoryIds();

}  // namespace headroom
