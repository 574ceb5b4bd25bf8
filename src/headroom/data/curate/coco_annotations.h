// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace headroom {

// What is used of a COCO annotation file (cocodataset.org, "Data format").
struct CocoAnnotations {
  struct Image {
    std::int64_t id = -1;
    double width = 0;
    double height = 0;
    std::string file_name;
  };
  struct Box {
    std::int64_t image_id = -1;
    std::int64_t category_id = -1;
    std::array<float, 4> xywh{};  // Pixels, from the upper left corner.
    bool crowd = false;
  };
  struct Category {
    std::int64_t id = -1;
    std::string name;
  };
  std::vector<Image> images;
  std::vector<Box> boxes;  // By image after reading.
  std::vector<Category> categories;
};

// Read event by event, since such files are hundreds of megabytes: what is held is the result, 48
// bytes a box. Failure names the file and what is wrong.
[[nodiscard]] Result<CocoAnnotations> ReadCocoAnnotations(const std::filesystem::path& path);

}  // namespace headroom
