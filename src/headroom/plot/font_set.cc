// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/font_set.h"

#include <fontconfig/fontconfig.h>
#include <pango/pangocairo.h>

#include <memory>
#include <string>

namespace headroom::internal {
namespace {

template <auto kFunction>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    kFunction(object);
  }
};

using FontOptions = std::unique_ptr<cairo_font_options_t, Release<cairo_font_options_destroy>>;
using FontMap = std::unique_ptr<PangoFontMap, Release<g_object_unref>>;
using Context = std::unique_ptr<PangoContext, Release<g_object_unref>>;
using Layout = std::unique_ptr<PangoLayout, Release<g_object_unref>>;
using FontDescription = std::unique_ptr<PangoFontDescription, Release<pango_font_description_free>>;
using Pattern = std::unique_ptr<FcPattern, Release<FcPatternDestroy>>;
using FontFace = std::unique_ptr<cairo_font_face_t, Release<cairo_font_face_destroy>>;
using ScaledFont = std::unique_ptr<cairo_scaled_font_t, Release<cairo_scaled_font_destroy>>;

// Metrics are wanted at this size and scaled: they do not depend on the size without hinting.
constexpr double kMeasureSize = 100;

FontOptions Unhinted() {
  FontOptions options(cairo_font_options_create());
  cairo_font_options_set_antialias(options.get(), CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options.get(), CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options.get(), CAIRO_HINT_METRICS_OFF);
  return options;
}

// Pango ends the process where there is no font at all.
bool AnyFontIsInstalled() {
  const Pattern wanted(FcPatternCreate());
  FcConfigSubstitute(nullptr, wanted.get(), FcMatchPattern);
  FcDefaultSubstitute(wanted.get());
  FcResult result = FcResultNoMatch;
  const Pattern found(FcFontMatch(nullptr, wanted.get(), &result));
  FcChar8* file = nullptr;
  return found != nullptr && FcPatternGetString(found.get(), FC_FILE, 0, &file) == FcResultMatch;
}

FontFace BuiltInFace(Weight weight) {
  return FontFace(cairo_toy_font_face_create(
      "@cairo:", CAIRO_FONT_SLANT_NORMAL,
      weight == Weight::kBold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL));
}

double BuiltInWidth(const std::string& text, double size, Weight weight) {
  cairo_matrix_t scale;
  cairo_matrix_t identity;
  cairo_matrix_init_scale(&scale, size, size);
  cairo_matrix_init_identity(&identity);
  const ScaledFont font(
      cairo_scaled_font_create(BuiltInFace(weight).get(), &scale, &identity, Unhinted().get()));
  cairo_text_extents_t extents;
  cairo_scaled_font_text_extents(font.get(), text.c_str(), &extents);
  return extents.x_advance;
}

}  // namespace

class FontSet::Impl {
 public:
  Impl() {
    if (!AnyFontIsInstalled()) return;
    map_.reset(pango_cairo_font_map_new());
    context_.reset(pango_font_map_create_context(map_.get()));
    pango_cairo_context_set_font_options(context_.get(), Unhinted().get());
    pango_context_set_round_glyph_positions(context_.get(), FALSE);
    layout_.reset(pango_layout_new(context_.get()));
    pango_layout_set_single_paragraph_mode(layout_.get(), TRUE);
  }
  [[nodiscard]] bool has_fonts() const { return layout_ != nullptr; }

  // The only line of the text.
  PangoLayoutLine* SetText(std::string_view text, double size, Weight weight) {
    const FontDescription font(pango_font_description_new());
    pango_font_description_set_family_static(font.get(), "DejaVu Sans");
    pango_font_description_set_weight(
        font.get(), weight == Weight::kBold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_absolute_size(font.get(), size * PANGO_SCALE);
    pango_layout_set_font_description(layout_.get(), font.get());
    pango_layout_set_text(layout_.get(), text.data(), static_cast<int>(text.size()));
    return pango_layout_get_line_readonly(layout_.get(), 0);
  }

  // Behind SetText.
  [[nodiscard]] double Width() const {
    PangoRectangle logical;
    pango_layout_get_extents(layout_.get(), nullptr, &logical);
    return static_cast<double>(logical.width) / PANGO_SCALE;
  }

  // Fits glyphs to what the context draws to, its rotation and scale.
  void DrawTo(cairo_t* context) {
    pango_cairo_update_context(context, context_.get());
    pango_layout_context_changed(layout_.get());
  }

 private:
  FontMap map_;  // Of its own: another thread may draw with another.
  Context context_;
  Layout layout_;
};

FontSet::FontSet() = default;
FontSet::~FontSet() = default;
FontSet::FontSet(FontSet&&) noexcept = default;
FontSet& FontSet::operator=(FontSet&&) noexcept = default;

FontSet::Impl& FontSet::impl() {
  if (impl_ == nullptr) impl_ = std::make_unique<Impl>();
  return *impl_;
}

double FontSet::Width(std::string_view text, double size, Weight weight) {
  if (!impl().has_fonts()) return BuiltInWidth(std::string(text), size, weight);
  impl().SetText(text, kMeasureSize, weight);
  return impl().Width() * size / kMeasureSize;
}

void FontSet::Show(cairo_t* context, std::string_view text, double size, Weight weight) {
  if (!impl().has_fonts()) {
    cairo_set_font_options(context, Unhinted().get());
    cairo_set_font_face(context, BuiltInFace(weight).get());
    cairo_set_font_size(context, size);
    cairo_show_text(context, std::string(text).c_str());
    return;
  }
  impl().DrawTo(context);
  pango_cairo_show_layout_line(context, impl().SetText(text, size, weight));
}

}  // namespace headroom::internal
