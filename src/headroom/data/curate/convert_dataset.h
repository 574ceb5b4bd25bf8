// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace headroom {

struct ConvertReport {
  std::map<std::string, std::int64_t> images;  // By split.
  std::vector<std::string> names;
  std::int64_t boxes = 0;
  std::int64_t skipped_boxes = 0;   // Crowds, difficult ones, and boxes without area in the image.
  std::int64_t missing_images = 0;  // Named, but not there.
  std::vector<std::string> messages;  // The first few things that were wrong.
};

// Both write a new data set into dst and leave src alone; images are copied. Throw DataError for
// sources that are not of that form, with what was looked for; ConfigError for a dst that is not
// empty. on_image is called with the number of images written.

// src: an annotation file, or a folder with some: annotations/instances_train2017.json and
// train2017/, or train/_annotations.coco.json beside its images. Classes in the order of their ids;
// several files are joined by the classes' names.
ConvertReport ConvertCoco(const std::filesystem::path& src, const std::filesystem::path& dst,
                          const std::function<void(std::int64_t)>& on_image);
// src: a folder with Annotations/ and JPEGImages/ and maybe ImageSets/Main/{train,val,test}.txt, or
// one with the .xml files beside the images. Classes in alphabetical order.
ConvertReport ConvertVoc(const std::filesystem::path& src, const std::filesystem::path& dst,
                         const std::function<void(std::int64_t)>& on_image);

}  // namespace headroom
