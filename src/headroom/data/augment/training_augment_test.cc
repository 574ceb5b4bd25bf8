// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/training_augment.h"

#include "headroom/data/augment/label_testing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace headroom {
namespace {

constexpr int kSide = 96;
constexpr std::array<std::array<std::uint8_t, 3>, 3> kColours{
    {{250, 10, 10}, {10, 250, 10}, {10, 10, 250}}};

// Images of a dull ground with rectangles in the colour of their class.
class Pictures : public ImageProvider {
 public:
  explicit Pictures(bool polygons) {
    std::vector<std::vector<testing::LabelledBox>> labels;
    for (std::uint64_t i = 0; i < 12; ++i) {
      Rng rng = Rng(21).Fork(i);
      Image& image = images_.emplace_back(ImageSize{static_cast<int>(rng.Integer(40, kSide)),
                                                    static_cast<int>(rng.Integer(40, kSide))});
      for (int k = 0; k < image.height() * image.width() * 3; ++k)
        image.data()[k] = static_cast<std::uint8_t>(rng.Integer(90, 130));
      labels.emplace_back();
      const int class_id = static_cast<int>(rng.Below(3));
      const int x1 = static_cast<int>(rng.Integer(2, 15)),
                x2 = static_cast<int>(rng.Integer(20, 38));
      const int y1 = static_cast<int>(rng.Integer(2, 15)),
                y2 = static_cast<int>(rng.Integer(20, 38));
      for (int y = y1; y < y2; ++y) {
        for (int x = x1; x < x2; ++x)
          std::copy_n(kColours[static_cast<std::size_t>(class_id)].data(), 3,
                      image.view().Row(y) + 3 * x);
      }
      const auto w = static_cast<float>(image.width()), h = static_cast<float>(image.height());
      const Xyxy b{static_cast<float>(x1) / w, static_cast<float>(y1) / h,
                   static_cast<float>(x2) / w, static_cast<float>(y2) / h};
      testing::LabelledBox label{class_id, ToXywh(b), {}};
      if (polygons) label.polygon = {b.x1, b.y1, b.x2, b.y1, b.x2, b.y2, b.x1, b.y2};
      labels.back().push_back(label);
    }
    table_ = testing::MakeLabelTable(labels);
  }
  [[nodiscard]] LoadedImage Load(std::uint32_t image) override {
    ++held_;
    EXPECT_LE(held_, 4);
    return {images_[image].view(), image};
  }
  void ReleaseAll() override { held_ = 0; }
  [[nodiscard]] LabelView labels() const { return {table_, {}}; }
  int held_ = 0;

 private:
  std::vector<Image> images_;
  LabelTable table_;
};

class AnyPartner : public PartnerDraw {
 public:
  [[nodiscard]] std::uint32_t NearbyImage(Rng& rng) const override {
    return static_cast<std::uint32_t>(rng.Below(12));
  }
  [[nodiscard]] std::uint32_t AnyImage(Rng& rng) const override { return NearbyImage(rng); }
};

struct Case {
  const char* name;
  AugmentOptions options;
  bool polygons = false;
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  const auto add = [&](const char* name, auto change, bool polygons = false) {
    Case c{name, {}, polygons};
    change(c.options);
    cases.push_back(c);
  };
  add("defaults", [](AugmentOptions&) {});
  add("flips", [](AugmentOptions& o) { o.flipud = 0.5; });
  add("turned", [](AugmentOptions& o) { o.degrees = 30, o.shear = 5; });
  add("perspective", [](AugmentOptions& o) { o.perspective = 0.0005; });
  add("single", [](AugmentOptions& o) { o.mosaic = 0; });
  add("mixup", [](AugmentOptions& o) { o.mixup = 0.6, o.flipud = 0.5; });
  add("cutmix", [](AugmentOptions& o) { o.cutmix = 0.9, o.flipud = 0.5; });
  add("bgr", [](AugmentOptions& o) { o.bgr = 0.5; });
  add("polygons", [](AugmentOptions& o) { o.degrees = 30; }, true);
  add("paste", [](AugmentOptions& o) { o.copy_paste = 0.7; }, true);
  add(
      "paste_mixup",
      [](AugmentOptions& o) {
        o.copy_paste = 0.7, o.copy_paste_mode = CopyPasteMode::kMixUp, o.mixup = 0.3;
      },
      true);
  return cases;
}

class TrainingAugments : public ::testing::TestWithParam<Case> {};

TEST_P(TrainingAugments, TheFusedRendererGivesTheBytesOfTheTwin) {
  Pictures pictures(GetParam().polygons);
  TrainingAugment fused(MakeFusedRenderer());
  TrainingAugment reference(MakeReferenceRenderer());
  for (std::uint64_t i = 0; i < 40; ++i) {
    const SamplePlan plan =
        PlanSample(GetParam().options, kSide, static_cast<std::uint32_t>(i % 12), Rng(3).Fork(0, i),
                   AnyPartner());
    Image a({kSide, kSide}), b({kSide, kSide});
    std::vector<LabelBox> boxes_a, boxes_b;
    EXPECT_EQ(fused.Make(plan, pictures.labels(), pictures, a.view(), &boxes_a), i % 12);
    (void)reference.Make(plan, pictures.labels(), pictures, b.view(), &boxes_b);
    EXPECT_EQ(pictures.held_, 0);
    ASSERT_TRUE(std::equal(a.data(), a.data() + kSide * kSide * 3, b.data())) << i;
    ASSERT_EQ(boxes_a.size(), boxes_b.size());
    for (std::size_t k = 0; k < boxes_a.size(); ++k) EXPECT_EQ(boxes_a[k].box, boxes_b[k].box);
  }
}

// Boxes sit on their rectangles: inside a box most pixels have the class's colour, a little outside
// of it few have. Colours are not jittered here.
TEST_P(TrainingAugments, BoxesSitOnTheirObjects) {
  AugmentOptions options = GetParam().options;
  options.hsv_h = options.hsv_s = options.hsv_v = options.bgr = options.mixup = 0;
  Pictures pictures(GetParam().polygons);
  TrainingAugment augment(MakeFusedRenderer());
  int checked = 0;
  for (std::uint64_t i = 0; i < 60; ++i) {
    const SamplePlan plan = PlanSample(options, kSide, static_cast<std::uint32_t>(i % 12),
                                       Rng(4).Fork(0, i), AnyPartner());
    Image image({kSide, kSide});
    std::vector<LabelBox> boxes;
    (void)augment.Make(plan, pictures.labels(), pictures, image.view(), &boxes);
    for (const LabelBox& label : boxes) {
      const Xyxy b = ToXyxy(label.box);
      const bool tilted = options.degrees > 0 || options.perspective > 0;
      const double shrink = tilted ? 0.25 : 0;  // A turned rectangle does not fill its box.
      const auto edge = [&](float low, float high, double t) {
        return static_cast<int>((low + (high - low) * t) * kSide);
      };
      int inside = 0, right = 0;
      for (int y = edge(b.y1, b.y2, shrink) + 1; y < edge(b.y1, b.y2, 1 - shrink) - 1; ++y) {
        for (int x = edge(b.x1, b.x2, shrink) + 1; x < edge(b.x1, b.x2, 1 - shrink) - 1; ++x) {
          const std::uint8_t* p = image.view().Row(y) + 3 * x;
          const auto c = static_cast<std::size_t>(label.class_id);
          ++inside;
          right += p[c] > 180 && p[(c + 1) % 3] < 80 && p[(c + 2) % 3] < 80;
        }
      }
      if (inside < 30) continue;
      // Pasted objects and cut areas hide some.
      const double share = options.copy_paste > 0 || options.cutmix > 0 ? 0.4 : tilted ? 0.7 : 0.95;
      EXPECT_GE(right, share * inside) << "sample " << i;
      ++checked;
    }
  }
  EXPECT_GT(checked, 20);
}

INSTANTIATE_TEST_SUITE_P(Options, TrainingAugments, ::testing::ValuesIn(Cases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace headroom
