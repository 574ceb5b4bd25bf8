// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/box.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace headroom {

// Writes a data set as this program reads it: images/<split>/, labels/<split>/, data.yaml. Sources
// are copied, never touched. Throws WriteError.
class DatasetWriter {
 public:
  // The folder must be new or empty (ConfigError otherwise).
  explicit DatasetWriter(std::filesystem::path folder);

  // name: the image's path within its split, without ".."; unique in it. labels: whole lines; empty
  // for a background.
  void AddImage(const std::string& split, const std::filesystem::path& source,
                const std::string& name, std::string_view labels);
  // Writes data.yaml. Without a val split, train stands for it.
  void Finish(std::span<const std::string> names);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  // Images by split.
  [[nodiscard]] const std::map<std::string, std::int64_t>& counts() const { return counts_; }

 private:
  std::filesystem::path folder_;
  std::map<std::string, std::int64_t> counts_;
};

// "0 0.5 0.5 0.25 0.25\n": a box, normalised.
[[nodiscard]] std::string LabelLine(std::int32_t class_id, const Xywh& box);
// A box in pixels, clipped to the image and normalised; false when nothing of it is left.
[[nodiscard]] bool NormalizeBox(Xyxy box, double width, double height, Xywh* normalized);
// Whether a path stays inside the folder that it is relative to.
[[nodiscard]] bool StaysInside(const std::filesystem::path& relative);

}  // namespace headroom
