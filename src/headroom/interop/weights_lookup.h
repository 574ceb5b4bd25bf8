// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/interop/download.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace headroom {

struct WeightsLookupOptions {
  std::filesystem::path working_folder = ".";
  std::filesystem::path weights_folder = "weights";  // The weights_dir of the settings.
  // Where the published detection weights are; the file's name is appended.
  std::string release_url = "https://github.com/ultralytics/assets/releases/download/v8.4.0/";
  DownloadOptions download;
};

// Whether it is the name of published detection weights: yolo11n.pt, yolov8s.pt, yolo26x.pt.
[[nodiscard]] bool IsPublishedWeights(std::string_view file_name);

// The file that model= or pretrained= means: the path itself, then the same name in the weights
// folder; published weights that are in neither are fetched into the weights folder, checked
// (readable as a checkpoint) and only then given their name. Throws ConfigError when there is no
// such file, which names the places that were looked at, and for published weights the address,
// where to put the file by hand and how to train without it.
[[nodiscard]] std::filesystem::path FindWeights(const std::string& name,
                                                const WeightsLookupOptions& options);

}  // namespace headroom
