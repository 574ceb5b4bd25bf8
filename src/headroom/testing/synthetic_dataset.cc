// SPDX-License-Identifier: Apache-2.0
#include "headroom/testing/synthetic_dataset.h"

#include "headroom/core/check.h"
#include "headroom/core/rng.h"

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <string_view>

namespace headroom::testing {
namespace {

cv::Mat Noise(int height, int width, Rng& rng) {
  cv::Mat image(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const auto grey = static_cast<std::uint8_t>(96 + rng.Below(48));
      image.at<cv::Vec3b>(y, x) = cv::Vec3b(grey, grey, grey);
    }
  }
  return image;
}

cv::Scalar ColorOf(int class_id) {
  const double step = (class_id % 8) * 32;
  return {step, 255 - step, class_id % 2 == 0 ? 255.0 : 0.0};
}

SyntheticObject RandomObject(int num_classes, Rng& rng) {
  SyntheticObject object;
  object.class_id = static_cast<int>(rng.Below(static_cast<std::uint64_t>(num_classes)));
  object.box.w = static_cast<float>(rng.Uniform(0.15, 0.4));
  object.box.h = static_cast<float>(rng.Uniform(0.15, 0.4));
  object.box.x = static_cast<float>(rng.Uniform(object.box.w / 2, 1 - object.box.w / 2));
  object.box.y = static_cast<float>(rng.Uniform(object.box.h / 2, 1 - object.box.h / 2));
  return object;
}

void Draw(const SyntheticObject& object, cv::Mat* image) {
  const Xyxy corners = ToXyxy(object.box);
  const auto at = [&](float x, float y) {
    return cv::Point(static_cast<int>(x * static_cast<float>(image->cols)),
                     static_cast<int>(y * static_cast<float>(image->rows)));
  };
  cv::rectangle(*image, at(corners.x1, corners.y1), at(corners.x2, corners.y2),
                ColorOf(object.class_id), cv::FILLED);
}

std::string LabelLine(const SyntheticObject& object, bool polygon) {
  if (!polygon) {
    return fmt::format("{} {:.6f} {:.6f} {:.6f} {:.6f}\n", object.class_id, object.box.x,
                       object.box.y, object.box.w, object.box.h);
  }
  const Xyxy c = ToXyxy(object.box);
  return fmt::format("{} {:.6f} {:.6f} {:.6f} {:.6f} {:.6f} {:.6f} {:.6f} {:.6f}\n",
                     object.class_id, c.x1, c.y1, c.x2, c.y1, c.x2, c.y2, c.x1, c.y2);
}

int VariedSide(int side, bool vary, Rng& rng) {
  return vary ? static_cast<int>(rng.Integer(side / 2, side)) : side;
}

std::string Big32(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

// A big-endian TIFF block of one entry: tag 0x0112, one short.
std::string ExifBlock(int orientation) {
  std::string block("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19);
  block.push_back(static_cast<char>(orientation));
  block.append(6, '\0');
  return block;
}

}  // namespace

SyntheticDataset::SyntheticDataset(std::filesystem::path root,
                                   const SyntheticDatasetOptions& options)
    : root_(std::move(root)) {
  const Rng base(options.seed);
  std::uint64_t split_id = 0;
  for (const std::string split : {"train", "val"}) {
    auto& paths = split == "train" ? train_images_ : val_images_;
    auto& all_objects = split == "train" ? train_objects_ : val_objects_;
    std::filesystem::create_directories(images(split));
    std::filesystem::create_directories(labels(split));
    const int count = split == "train" ? options.train_images : options.val_images;
    for (int i = 0; i < count; ++i) {
      Rng rng = base.Fork(split_id, static_cast<std::uint64_t>(i));
      const int height = VariedSide(options.height, options.vary_sizes, rng);
      const int width = VariedSide(options.width, options.vary_sizes, rng);
      cv::Mat image = Noise(height, width, rng);
      std::vector<SyntheticObject> objects(
          static_cast<std::size_t>(rng.Integer(options.min_boxes, options.max_boxes)));
      std::string text;
      for (SyntheticObject& object : objects) {
        object = RandomObject(options.num_classes, rng);
        Draw(object, &image);
        text += LabelLine(object, options.polygons);
      }
      const std::string& suffix =
          options.suffixes[static_cast<std::size_t>(i) % options.suffixes.size()];
      const std::string stem = fmt::format("image{:06}", i);
      paths.push_back(images(split) / (stem + "." + suffix));
      HEADROOM_CHECK(cv::imwrite(paths.back().string(), image), paths.back().string());
      WriteText(labels(split) / (stem + ".txt"), text);
      all_objects.push_back(std::move(objects));
    }
    ++split_id;
  }
  std::string yaml =
      fmt::format("path: {}\ntrain: images/train\nval: images/val\nnames:\n", root_.string());
  for (int c = 0; c < options.num_classes; ++c) yaml += fmt::format("  {}: class{}\n", c, c);
  WriteText(this->yaml(), yaml);
}

std::vector<std::uint8_t> SyntheticPixels(int height, int width, std::uint64_t seed) {
  Rng rng(seed);
  cv::Mat image = Noise(height, width, rng);
  for (int i = 0; i < 6; ++i) Draw(RandomObject(8, rng), &image);
  return {image.data, image.data + image.total() * image.elemSize()};
}

std::vector<std::uint8_t> EncodeImage(const std::vector<std::uint8_t>& bgr, int height, int width,
                                      const std::string& suffix, const std::vector<int>& params) {
  cv::Mat image(height, width, CV_8UC3);
  HEADROOM_CHECK(bgr.size() == image.total() * image.elemSize(), "wrong pixel count");
  std::copy(bgr.begin(), bgr.end(), image.data);
  std::vector<std::uint8_t> file;
  HEADROOM_CHECK(cv::imencode("." + suffix, image, file, params), suffix);
  return file;
}

std::vector<std::uint8_t> WithOrientation(const std::vector<std::uint8_t>& file, int orientation) {
  const std::string block = ExifBlock(orientation);
  std::string inserted;
  std::size_t at = 2;
  if (file[0] == 0xFF) {
    const std::string content = std::string("Exif\0\0", 6) + block;
    const std::size_t length = 2 + content.size();
    inserted = std::string("\xFF\xE1") + static_cast<char>(length >> 8) +
               static_cast<char>(length) + content;
  } else {
    at = 8 + 25;  // After the signature and IHDR.
    const std::string content = "eXIf" + block;
    const auto* bytes = reinterpret_cast<const Bytef*>(content.data());
    const uLong sum = crc32(0, bytes, static_cast<uInt>(content.size()));
    inserted = Big32(static_cast<std::uint32_t>(block.size())) + content +
               Big32(static_cast<std::uint32_t>(sum));
  }
  std::string result(file.begin(), file.end());
  result.insert(at, inserted);
  return {result.begin(), result.end()};
}

void WriteBytes(const std::filesystem::path& path, const std::vector<std::uint8_t>& bytes) {
  WriteText(path, {bytes.begin(), bytes.end()});
}

void WriteText(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  HEADROOM_CHECK(file.good(), path.string());
}

}  // namespace headroom::testing
