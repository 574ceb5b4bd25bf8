// SPDX-License-Identifier: Apache-2.0
// Private to plot/.
#pragma once

#include <cairo.h>

#include <memory>
#include <string_view>
#include <vector>

namespace headroom::internal {

enum class Weight : bool { kNormal, kBold };

// DejaVu Sans, and for characters that it lacks the first installed font that has them. No
// shaping: letters of joined scripts stand apart, right-to-left text runs left to right. Text is
// valid UTF-8 (CleanText). Not thread-safe.
class FontSet {
 public:
  FontSet();
  ~FontSet();
  FontSet(FontSet&&) noexcept;
  FontSet& operator=(FontSet&&) noexcept;

  [[nodiscard]] double Width(std::string_view text, double size, Weight weight);
  // From the current point, which is on the base line; moves it behind the text.
  void Show(cairo_t* context, std::string_view text, double size, Weight weight);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::internal
