// SPDX-License-Identifier: Apache-2.0
// Private to plot/.
#pragma once

#include <cairo.h>

#include <memory>
#include <string_view>

namespace headroom::internal {

enum class Weight : bool { kNormal, kBold };

// DejaVu Sans, and for characters that it lacks another installed font that has them; scripts are
// shaped and ordered by Pango. On a machine without any font Cairo's own, which has Latin letters.
// One line of valid UTF-8 (CleanText). Not thread-safe.
class FontSet {
 public:
  FontSet();
  ~FontSet();
  FontSet(FontSet&&) noexcept;
  FontSet& operator=(FontSet&&) noexcept;

  [[nodiscard]] double Width(std::string_view text, double size, Weight weight);
  // From the current point, which is on the base line.
  void Show(cairo_t* context, std::string_view text, double size, Weight weight);

 private:
  class Impl;
  [[nodiscard]] Impl& impl();

  std::unique_ptr<Impl> impl_;  // Made when first needed.
};

}  // namespace headroom::internal
