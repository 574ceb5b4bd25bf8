// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/data/label_table.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace headroom {

// Reads label files: one object a line, `class x y w h` (normalised centre and size) or `class x1
// y1 x2 y2 x3 y3 ...` (a polygon of at least 3 points, whose box is taken). Each line is read by
// its own column count. Holds reused buffers: one a thread.
class LabelFileParser {
 public:
  struct Report {
    int duplicates = 0;              // Equal lines removed; the rest is then sorted.
    bool above_class_limit = false;  // The failure is a class that num_classes does not allow.
  };

  // Appends one image's rows. num_classes 0 allows any class. Failure names file, line, value and
  // what is allowed, and leaves `rows` as it was.
  [[nodiscard]] Result<Report> Parse(std::string_view text, std::string_view path, int num_classes,
                                     LabelRows* rows);
  // Of the last failure.
  [[nodiscard]] bool failed_on_class() const { return failed_on_class_; }

 private:
  [[nodiscard]] Status ParseLine(std::string_view line, int num_classes, LabelRows* rows);
  [[nodiscard]] Status ParseClass(std::string_view word, int num_classes, LabelRows* rows);
  [[nodiscard]] Status ParseNumbers(std::span<const std::string_view> words);
  int RemoveDuplicates(std::size_t first_box, std::size_t first_point, LabelRows* rows);

  std::vector<std::string_view> words_;
  std::vector<float> numbers_;
  std::vector<std::uint32_t> order_;
  bool failed_on_class_ = false;
};

}  // namespace headroom
