// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/font_set.h"

#include "headroom/plot/text.h"

#include <cairo-ft.h>
#include <fontconfig/fontconfig.h>

#include <array>
#include <map>
#include <string>
#include <utility>

namespace headroom::internal {
namespace {

template <auto kFunction>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    kFunction(object);
  }
};

using Pattern = std::unique_ptr<FcPattern, Release<FcPatternDestroy>>;
using PatternList = std::unique_ptr<FcFontSet, Release<FcFontSetDestroy>>;
using FontFace = std::unique_ptr<cairo_font_face_t, Release<cairo_font_face_destroy>>;
using ScaledFont = std::unique_ptr<cairo_scaled_font_t, Release<cairo_scaled_font_destroy>>;
using FontOptions = std::unique_ptr<cairo_font_options_t, Release<cairo_font_options_destroy>>;

// Metrics are wanted at this size and scaled: they do not depend on the size without hinting.
constexpr double kMeasureSize = 100;

struct Face {
  FontFace cairo;
  ScaledFont measure;
  FcCharSet* characters = nullptr;  // Of `pattern`; null: taken to have all.
  Pattern pattern;

  [[nodiscard]] bool Has(char32_t code) const {
    return characters == nullptr || FcCharSetHasChar(characters, code) != FcFalse;
  }
};

FontOptions Unhinted() {
  FontOptions options(cairo_font_options_create());
  cairo_font_options_set_antialias(options.get(), CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options.get(), CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options.get(), CAIRO_HINT_METRICS_OFF);
  return options;
}

Face MakeFace(Pattern pattern) {
  Face face;
  FcChar8* file = nullptr;
  const bool usable =
      pattern != nullptr && FcPatternGetString(pattern.get(), FC_FILE, 0, &file) == FcResultMatch;
  if (usable) {
    FcPatternGetCharSet(pattern.get(), FC_CHARSET, 0, &face.characters);
    face.cairo.reset(cairo_ft_font_face_create_for_pattern(pattern.get()));
    face.pattern = std::move(pattern);
  }
  if (face.cairo == nullptr || cairo_font_face_status(face.cairo.get()) != CAIRO_STATUS_SUCCESS) {
    // A machine without any font: Cairo's built-in one, which has Latin letters.
    face.characters = nullptr;
    face.cairo.reset(
        cairo_toy_font_face_create("@cairo:", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL));
  }
  cairo_matrix_t size;
  cairo_matrix_t identity;
  cairo_matrix_init_scale(&size, kMeasureSize, kMeasureSize);
  cairo_matrix_init_identity(&identity);
  face.measure.reset(
      cairo_scaled_font_create(face.cairo.get(), &size, &identity, Unhinted().get()));
  return face;
}

Pattern Wanted(Weight weight) {
  Pattern pattern(FcPatternCreate());
  FcPatternAddString(pattern.get(), FC_FAMILY, reinterpret_cast<const FcChar8*>("DejaVu Sans"));
  FcPatternAddInteger(pattern.get(), FC_WEIGHT,
                      weight == Weight::kBold ? FC_WEIGHT_BOLD : FC_WEIGHT_NORMAL);
  FcPatternAddBool(pattern.get(), FC_SCALABLE, FcTrue);
  FcConfigSubstitute(nullptr, pattern.get(), FcMatchPattern);
  FcDefaultSubstitute(pattern.get());
  return pattern;
}

}  // namespace

class FontSet::Impl {
 public:
  // Calls use(face, part) for the text's longest parts that one face can draw.
  template <typename Use>
  void ForRuns(std::string_view text, Weight weight, const Use& use) {
    std::size_t start = 0;
    std::size_t position = 0;
    const Face* current = nullptr;
    while (position < text.size()) {
      const std::size_t before = position;
      const Face* face = &FaceFor(NextCodePoint(text, &position), weight);
      if (current != nullptr && face != current) {
        use(*current, text.substr(start, before - start));
        start = before;
      }
      current = face;
    }
    if (current != nullptr) use(*current, text.substr(start));
  }

 private:
  struct Family {
    Face primary;
    PatternList others;  // Every installed font, by likeness; listed when first needed.
    std::map<int, Face> fallbacks;
    std::map<char32_t, int> chosen;  // -1: the primary face, which draws an empty box.
  };

  const Face& FaceFor(char32_t code, Weight weight) {
    Family& family = families_[weight == Weight::kBold ? 1 : 0];
    if (family.primary.cairo == nullptr) {
      FcResult result = FcResultMatch;
      family.primary = MakeFace(Pattern(FcFontMatch(nullptr, Wanted(weight).get(), &result)));
    }
    if (family.primary.Has(code)) return family.primary;
    const auto known = family.chosen.find(code);
    const int index = known != family.chosen.end() ? known->second : Choose(family, code, weight);
    return index < 0 ? family.primary : family.fallbacks.at(index);
  }

  static int Choose(Family& family, char32_t code, Weight weight) {
    const Pattern wanted = Wanted(weight);
    if (family.others == nullptr) {
      FcResult result = FcResultMatch;
      family.others.reset(FcFontSort(nullptr, wanted.get(), FcTrue, nullptr, &result));
    }
    int found = -1;
    for (int i = 0; family.others != nullptr && i < family.others->nfont && found < 0; ++i) {
      FcCharSet* characters = nullptr;
      FcPattern* font = family.others->fonts[i];
      if (FcPatternGetCharSet(font, FC_CHARSET, 0, &characters) != FcResultMatch) continue;
      if (FcCharSetHasChar(characters, code) == FcFalse) continue;
      found = i;
      if (!family.fallbacks.contains(i)) {
        Pattern prepared(FcFontRenderPrepare(nullptr, wanted.get(), font));
        family.fallbacks.emplace(i, MakeFace(std::move(prepared)));
      }
    }
    family.chosen[code] = found;
    return found;
  }

  std::array<Family, 2> families_;
};

FontSet::FontSet() : impl_(std::make_unique<Impl>()) {}
FontSet::~FontSet() = default;
FontSet::FontSet(FontSet&&) noexcept = default;
FontSet& FontSet::operator=(FontSet&&) noexcept = default;

double FontSet::Width(std::string_view text, double size, Weight weight) {
  double width = 0;
  impl_->ForRuns(text, weight, [&](const Face& face, std::string_view part) {
    cairo_text_extents_t extents;
    cairo_scaled_font_text_extents(face.measure.get(), std::string(part).c_str(), &extents);
    width += extents.x_advance * size / kMeasureSize;
  });
  return width;
}

void FontSet::Show(cairo_t* context, std::string_view text, double size, Weight weight) {
  const FontOptions options = Unhinted();
  cairo_set_font_options(context, options.get());
  impl_->ForRuns(text, weight, [&](const Face& face, std::string_view part) {
    cairo_set_font_face(context, face.cairo.get());
    cairo_set_font_size(context, size);
    cairo_show_text(context, std::string(part).c_str());
  });
}

}  // namespace headroom::internal
