// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/curate/coco_annotations.h"

#include "headroom/core/mapped_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace headroom {
namespace {

using Json = nlohmann::json;

// Depths of a file {"images": [{"id": 1, "bbox": [..]}]}: the file's object is 1, a section's list
// 2, an entry 3, what an entry holds 4.
class Handler : public nlohmann::json_sax<Json> {
 public:
  explicit Handler(CocoAnnotations* result) : result_(*result) {}
  [[nodiscard]] const std::string& problem() const { return problem_; }

  bool null() override { return true; }
  bool boolean(bool value) override { return Number(value ? 1 : 0); }
  bool number_integer(std::int64_t value) override {
    return Number(static_cast<double>(value), value);
  }
  bool number_unsigned(std::uint64_t value) override {
    return Number(static_cast<double>(value), static_cast<std::int64_t>(value));
  }
  bool number_float(double value, const std::string& /*text*/) override { return Number(value); }
  bool string(std::string& value) override {
    if (depth_ != 3) return true;
    if (section_ == Section::kImages && key_ == "file_name")
      result_.images.back().file_name = std::move(value);
    if (section_ == Section::kCategories && key_ == "name")
      result_.categories.back().name = std::move(value);
    return true;
  }
  bool binary(Json::binary_t& /*value*/) override { return true; }

  bool start_object(std::size_t /*size*/) override {
    if (++depth_ == 3) StartEntry();
    return true;
  }
  bool end_object() override { return End(); }
  bool start_array(std::size_t /*size*/) override {
    ++depth_;
    box_numbers_ = 0;
    return true;
  }
  bool end_array() override { return End(); }
  bool key(std::string& value) override {
    if (depth_ == 1) section_ = SectionOf(value);
    if (depth_ == 3) key_ = value;
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const Json::exception& /*error*/) override {
    problem_ = fmt::format("it is no JSON: wrong at byte {}", position);
    return false;
  }

 private:
  enum class Section : std::uint8_t { kOther, kImages, kBoxes, kCategories };
  static Section SectionOf(const std::string& key) {
    return key == "images"        ? Section::kImages
           : key == "annotations" ? Section::kBoxes
           : key == "categories"  ? Section::kCategories
                                  : Section::kOther;
  }
  void StartEntry() {
    key_.clear();
    if (section_ == Section::kImages) result_.images.emplace_back();
    if (section_ == Section::kBoxes) result_.boxes.emplace_back();
    if (section_ == Section::kCategories) result_.categories.emplace_back();
  }
  bool End() {
    --depth_;
    return true;
  }
  bool Number(double value) { return Number(value, static_cast<std::int64_t>(value)); }
  bool Number(double value, std::int64_t integer) {
    if (section_ == Section::kBoxes && depth_ == 4 && key_ == "bbox") {
      if (box_numbers_ < 4) result_.boxes.back().xywh[box_numbers_++] = static_cast<float>(value);
      return true;
    }
    if (depth_ != 3) return true;
    if (section_ == Section::kImages) {
      CocoAnnotations::Image& image = result_.images.back();
      if (key_ == "id") image.id = integer;
      if (key_ == "width") image.width = value;
      if (key_ == "height") image.height = value;
    } else if (section_ == Section::kBoxes) {
      CocoAnnotations::Box& box = result_.boxes.back();
      if (key_ == "image_id") box.image_id = integer;
      if (key_ == "category_id") box.category_id = integer;
      if (key_ == "iscrowd") box.crowd = value != 0;
    } else if (section_ == Section::kCategories && key_ == "id") {
      result_.categories.back().id = integer;
    }
    return true;
  }

  CocoAnnotations& result_;
  std::string problem_;
  std::string key_;
  Section section_ = Section::kOther;
  int depth_ = 0;
  std::size_t box_numbers_ = 0;
};

}  // namespace

Result<CocoAnnotations> ReadCocoAnnotations(const std::filesystem::path& path) {
  const Result<MappedFile> file = MappedFile::Open(path);
  if (!file) return Failure{file.error()};
  CocoAnnotations result;
  Handler handler(&result);
  const auto* begin = reinterpret_cast<const char*>(file->bytes().data());
  if (!Json::sax_parse(begin, begin + file->bytes().size(), &handler))
    return Failure{fmt::format("{}: {}", path.string(), handler.problem())};
  if (result.images.empty() || result.categories.empty()) {
    return Failure{
        fmt::format("{} is no COCO annotation file: it must have 'images', "
                    "'annotations' and 'categories'",
                    path.string())};
  }
  std::stable_sort(result.boxes.begin(), result.boxes.end(),
                   [](const auto& a, const auto& b) { return a.image_id < b.image_id; });
  std::sort(result.categories.begin(), result.categories.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  return result;
}

}  // namespace headroom
