// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/detect/detection_text.h"
#include "headroom/geometry/detection.h"
#include "headroom/image/image.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

namespace headroom {

// The files of save_txt: <stem>.txt with a line a detection, none for a picture without any. The
// folder is made with the first of them.
class LabelFiles {
 public:
  LabelFiles(std::filesystem::path folder, WithConfidence with_confidence);

  // Removes the files of an earlier run in the same folder.
  void RemoveAll() const;
  // Detections in pixels of the picture; replaces the file of an earlier run. Throws WriteError.
  void Write(const std::string& stem, std::span<const Detection> detections,
             ImageSize picture) const;
  // How many there are, an earlier run's included.
  [[nodiscard]] std::int64_t Count() const;
  // "2 labels saved to runs/detect/predict/labels"; nothing without any.
  [[nodiscard]] std::optional<std::string> Summary() const;

 private:
  [[nodiscard]] std::filesystem::path PathOf(const std::string& stem) const;

  std::filesystem::path folder_;
  WithConfidence with_confidence_;
};

// Makes a folder for results, and its parents. Throws WriteError that names it.
void MakeResultFolder(const std::filesystem::path& folder);

}  // namespace headroom
