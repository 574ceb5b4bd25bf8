// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/label_file.h"

#include "headroom/core/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <tuple>

namespace headroom {
namespace {

// The tolerance of the reference (8.4.190) for boxes that touch the border.
constexpr float kLeast = -0.01F;
constexpr float kMost = 1.01F;
constexpr std::size_t kBoxColumns = 5;
constexpr std::size_t kLeastPolygonColumns = 7;

void SplitWords(std::string_view line, std::vector<std::string_view>* words) {
  constexpr std::string_view kBlanks = " \t\r\v\f";
  words->clear();
  std::size_t begin = line.find_first_not_of(kBlanks);
  while (begin != std::string_view::npos) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
    words->push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kBlanks, end);
  }
}

bool ParseNumber(std::string_view word, double* value) {
  if (word.size() > 1 && word[0] == '+' && word[1] != '-') word.remove_prefix(1);
  return ParseDouble(word, value);
}

// A word of a file that may be anything, short enough for a message.
std::string Quoted(std::string_view word) {
  constexpr std::size_t kMostShown = 24;
  std::string shown;
  for (const char c : word.substr(0, kMostShown)) shown += c >= ' ' && c <= '~' ? c : '?';
  return fmt::format("'{}{}'", shown, word.size() > kMostShown ? "..." : "");
}

Xywh BoxOf(std::span<const float> points) {
  Xyxy box{points[0], points[1], points[0], points[1]};
  for (std::size_t i = 2; i < points.size(); i += 2) {
    box.x1 = std::min(box.x1, points[i]);
    box.x2 = std::max(box.x2, points[i]);
    box.y1 = std::min(box.y1, points[i + 1]);
    box.y2 = std::max(box.y2, points[i + 1]);
  }
  return ToXywh(box);
}

Status CheckBox(const Xywh& box) {
  const auto check = [](const char* name, float value, float least) -> Status {
    if (value >= least && value <= kMost) return Unit{};
    return Failure{
        fmt::format("{} of the box is {:g}, allowed is {:g} to {:g} (shares of the image's size)",
                    name, value, least, kMost)};
  };
  Status status = check("x", box.x, kLeast);
  if (status.ok()) status = check("y", box.y, kLeast);
  if (status.ok()) status = check("width", box.w, 0);
  if (status.ok()) status = check("height", box.h, 0);
  return status;
}

}  // namespace

Result<LabelFileParser::Report> LabelFileParser::Parse(std::string_view text, std::string_view path,
                                                       int num_classes, LabelRows* rows) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const std::size_t first_box = rows->boxes.size();
  const std::size_t first_point = rows->points.size();
  failed_on_class_ = false;
  int line_number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const Status status = ParseLine(text.substr(0, end), num_classes, rows);
    ++line_number;
    if (!status.ok()) {
      rows->class_ids.resize(first_box);
      rows->boxes.resize(first_box);
      rows->floats_per_polygon.resize(first_box);
      rows->points.resize(first_point);
      return Failure{fmt::format("{}:{}: {}", path, line_number, status.error())};
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  Report report;
  report.duplicates = RemoveDuplicates(first_box, first_point, rows);
  rows->boxes_per_image.push_back(static_cast<std::uint32_t>(rows->boxes.size() - first_box));
  return report;
}

Status LabelFileParser::ParseLine(std::string_view line, int num_classes, LabelRows* rows) {
  SplitWords(line, &words_);
  if (words_.empty()) return Unit{};
  const bool is_box = words_.size() == kBoxColumns;
  if (!is_box && (words_.size() < kLeastPolygonColumns || words_.size() % 2 == 0)) {
    return Failure{
        fmt::format("{} columns, allowed are 5 (class x y width height) or, for a polygon, "
                    "7, 9, 11, ... (class x1 y1 x2 y2 x3 y3 ...)",
                    words_.size())};
  }
  Status status = ParseNumbers(std::span(words_).subspan(1));
  if (!status.ok()) return status;
  const Xywh box =
      is_box ? Xywh{numbers_[0], numbers_[1], numbers_[2], numbers_[3]} : BoxOf(numbers_);
  status = CheckBox(box);
  if (status.ok()) status = ParseClass(words_[0], num_classes, rows);
  if (!status.ok()) return status;
  rows->boxes.push_back(box);
  rows->floats_per_polygon.push_back(is_box ? 0 : static_cast<std::uint32_t>(numbers_.size()));
  if (!is_box) rows->points.insert(rows->points.end(), numbers_.begin(), numbers_.end());
  return Unit{};
}

Status LabelFileParser::ParseNumbers(std::span<const std::string_view> words) {
  numbers_.clear();
  for (const std::string_view word : words) {
    double value = 0;
    if (!ParseNumber(word, &value)) return Failure{fmt::format("{} is not a number", Quoted(word))};
    if (!std::isfinite(value)) {
      return Failure{fmt::format("{} is not allowed: coordinates are {:g} to {:g}", Quoted(word),
                                 kLeast, kMost)};
    }
    numbers_.push_back(static_cast<float>(value));
  }
  return Unit{};
}

Status LabelFileParser::ParseClass(std::string_view word, int num_classes, LabelRows* rows) {
  double value = 0;
  const bool is_class = ParseNumber(word, &value) && value >= 0 &&
                        value <= std::numeric_limits<std::int32_t>::max() &&
                        value == std::floor(value);
  if (!is_class) return Failure{fmt::format("class {} must be an integer from 0", Quoted(word))};
  const auto id = static_cast<std::int32_t>(value);
  if (num_classes > 0 && id >= num_classes) {
    failed_on_class_ = true;
    return Failure{fmt::format("class {}, allowed is 0 to {}: the data YAML names {} class{}", id,
                               num_classes - 1, num_classes, num_classes == 1 ? "" : "es")};
  }
  rows->class_ids.push_back(id);
  return Unit{};
}

int LabelFileParser::RemoveDuplicates(std::size_t first_box, std::size_t first_point,
                                      LabelRows* rows) {
  const std::size_t count = rows->boxes.size() - first_box;
  const auto key = [&](std::uint32_t i) {
    const Xywh& box = rows->boxes[first_box + i];
    return std::make_tuple(rows->class_ids[first_box + i], box.x, box.y, box.w, box.h);
  };
  order_.resize(count);
  std::iota(order_.begin(), order_.end(), 0U);
  // By index where equal: of equal lines the first stays.
  std::sort(order_.begin(), order_.end(), [&](auto a, auto b) {
    const auto key_a = key(a);
    const auto key_b = key(b);
    return key_a != key_b ? key_a < key_b : a < b;
  });
  const auto end =
      std::unique(order_.begin(), order_.end(), [&](auto a, auto b) { return key(a) == key(b); });
  const auto kept = static_cast<std::size_t>(end - order_.begin());
  if (kept == count) return 0;
  // Rare, so it may allocate.
  LabelRows sorted;
  std::vector<std::size_t> point_begin{first_point};
  for (std::size_t i = 0; i < count; ++i) {
    point_begin.push_back(point_begin.back() + rows->floats_per_polygon[first_box + i]);
  }
  for (std::size_t k = 0; k < kept; ++k) {
    const std::size_t i = order_[k];
    sorted.class_ids.push_back(rows->class_ids[first_box + i]);
    sorted.boxes.push_back(rows->boxes[first_box + i]);
    sorted.floats_per_polygon.push_back(rows->floats_per_polygon[first_box + i]);
    sorted.points.insert(sorted.points.end(),
                         rows->points.begin() + static_cast<std::ptrdiff_t>(point_begin[i]),
                         rows->points.begin() + static_cast<std::ptrdiff_t>(point_begin[i + 1]));
  }
  const auto replace = [](std::size_t first, const auto& from, auto* to) {
    to->resize(first);
    to->insert(to->end(), from.begin(), from.end());
  };
  replace(first_box, sorted.class_ids, &rows->class_ids);
  replace(first_box, sorted.boxes, &rows->boxes);
  replace(first_box, sorted.floats_per_polygon, &rows->floats_per_polygon);
  replace(first_point, sorted.points, &rows->points);
  return static_cast<int>(count - kept);
}

}  // namespace headroom
