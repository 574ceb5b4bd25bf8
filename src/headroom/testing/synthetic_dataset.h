// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/box.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace headroom::testing {

struct SyntheticDatasetOptions {
  int train_images = 8;
  int val_images = 4;
  int height = 48;
  int width = 64;
  bool vary_sizes = false;  // Sides from half the given ones up.
  int num_classes = 3;
  int min_boxes = 1;
  int max_boxes = 4;
  bool polygons = false;  // Lines of polygons instead of boxes.
  std::vector<std::string> suffixes{
      "jpg"};  // In turn; any that OpenCV writes: jpg png bmp webp tif.
  std::uint64_t seed = 1;
};

struct SyntheticObject {
  int class_id = 0;
  Xywh box;  // Normalised.
};

// A data set on disk, as users have them: images/{train,val}, labels/{train,val}, data.yaml. An
// object is a filled rectangle whose colour tells its class, on a noisy grey ground, so that a
// detector can learn it. The same options give the same bytes.
class SyntheticDataset {
 public:
  SyntheticDataset(std::filesystem::path root, const SyntheticDatasetOptions& options);

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] std::filesystem::path yaml() const { return root_ / "data.yaml"; }
  [[nodiscard]] std::filesystem::path images(const std::string& split) const {
    return root_ / "images" / split;
  }
  [[nodiscard]] std::filesystem::path labels(const std::string& split) const {
    return root_ / "labels" / split;
  }
  // In the order of the sorted image list.
  [[nodiscard]] const std::vector<std::filesystem::path>& image_paths(
      const std::string& split) const {
    return split == "train" ? train_images_ : val_images_;
  }
  [[nodiscard]] const std::vector<std::vector<SyntheticObject>>& objects(
      const std::string& split) const {
    return split == "train" ? train_objects_ : val_objects_;
  }

 private:
  std::filesystem::path root_;
  std::vector<std::filesystem::path> train_images_, val_images_;
  std::vector<std::vector<SyntheticObject>> train_objects_, val_objects_;
};

// A picture of noise and shapes, deterministic, for tests of decoders: packed BGR pixels.
[[nodiscard]] std::vector<std::uint8_t> SyntheticPixels(int height, int width, std::uint64_t seed);

// The file of those pixels by OpenCV's encoder of the suffix ("jpg", "png", "tif", ...). params
// are OpenCV's pairs (IMWRITE_...).
[[nodiscard]] std::vector<std::uint8_t> EncodeImage(const std::vector<std::uint8_t>& bgr,
                                                    int height, int width,
                                                    const std::string& suffix,
                                                    const std::vector<int>& params = {});
// A copy of a JPEG or PNG file with an EXIF orientation tag.
[[nodiscard]] std::vector<std::uint8_t> WithOrientation(const std::vector<std::uint8_t>& file,
                                                        int orientation);
void WriteBytes(const std::filesystem::path& path, const std::vector<std::uint8_t>& bytes);
void WriteText(const std::filesystem::path& path, const std::string& text);

}  // namespace headroom::testing
