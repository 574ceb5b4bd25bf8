// SPDX-License-Identifier: Apache-2.0
#include "headroom/metrics/coco_json.h"

#include "headroom/core/check.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace headroom {
namespace {

// A JSON string with its quotes; bytes that are no UTF-8 (a file name may hold any) are replaced.
std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

// "0012" -> 12, "img_12" -> "img_12": as the annotation files of COCO name their images.
std::string ImageId(const std::string& stem) {
  const bool number = !stem.empty() && std::all_of(stem.begin(), stem.end(),
                                                   [](char c) { return c >= '0' && c <= '9'; });
  if (!number) return Quoted(stem);
  const std::size_t first = stem.find_first_not_of('0');
  return first == std::string::npos ? "0" : stem.substr(first);
}

// Rounded to so many decimals, without trailing zeros but for the first: 12.0, 0.25, 3.142.
void AppendNumber(std::string& text, float value, int decimals) {
  // JSON has no words for what is not finite.
  text += fmt::format("{:.{}f}", std::isfinite(value) ? value : 0.0F, decimals);
  const std::size_t last = text.find_last_not_of('0');
  text.resize(text[last] == '.' ? last + 2 : last + 1);
}

}  // namespace

CocoJsonWriter::CocoJsonWriter(FileWriter& file, std::vector<std::int32_t> category_ids)
    : file_(file), category_ids_(std::move(category_ids)) {
  file_.Write("[");
}

void CocoJsonWriter::AddImage(const std::filesystem::path& image,
                              std::span<const Detection> detections) {
  if (detections.empty()) return;
  const std::string start = fmt::format(
      "{{\"image_id\": {}, \"file_name\": {}, \"category_id\": ", ImageId(image.stem().string()),
      Quoted(image.filename().string()));
  text_.clear();
  for (const Detection& detection : detections) {
    const auto class_id = static_cast<std::size_t>(detection.class_id);
    HEADROOM_CHECK(category_ids_.empty() || class_id < category_ids_.size(),
                   fmt::format("class {}, {} category ids", class_id, category_ids_.size()));
    if (!first_) text_ += ", ";
    first_ = false;
    text_ += start;
    text_ +=
        std::to_string(category_ids_.empty() ? detection.class_id + 1 : category_ids_[class_id]);
    const Xyxy& box = detection.box;
    text_ += ", \"bbox\": [";
    AppendNumber(text_, box.x1, 3);
    for (const float value : {box.y1, box.width(), box.height()}) {
      text_ += ", ";
      AppendNumber(text_, value, 3);
    }
    text_ += "], \"score\": ";
    AppendNumber(text_, detection.confidence, 5);
    text_ += '}';
  }
  file_.Write(text_);
}

void CocoJsonWriter::Finish() { file_.Write("]"); }

std::vector<std::int32_t> CocoCategoryIds() {
  constexpr std::array kUnused = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83};
  std::vector<std::int32_t> ids;
  for (std::int32_t id = 1; id <= 90; ++id) {
    if (std::find(kUnused.begin(), kUnused.end(), id) == kUnused.end()) ids.push_back(id);
  }
  return ids;
}

}  // namespace headroom
