// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/training_augment.h"

#include "headroom/data/augment/cutmix.h"
#include "headroom/data/augment/mixup.h"
#include "headroom/data/augment/random_affine.h"
#include "headroom/data/augment/warp.h"

#include <span>

namespace headroom {
namespace {

// Lays the images out and collects their objects. Returns the image of the first tile.
std::uint32_t Compose(const ScenePlan& scene, const LabelView& labels, ImageProvider& images,
                      MosaicCanvas* canvas, SceneObjects* objects) {
  objects->Clear();
  const LoadedImage own = images.Load(scene.images[0]);
  if (scene.image_count == 1) {
    *canvas = MosaicCanvas::Of(own.pixels);
    AppendObjects(labels, own.image, own.pixels.size(), {0, 0}, own.pixels.size(),
                  ClipToCanvas::kNo, objects);
    return own.image;
  }
  *canvas = MosaicCanvas{.height = 2 * scene.mosaic.size, .width = 2 * scene.mosaic.size};
  for (int k = 0; k < scene.image_count; ++k) {
    const LoadedImage tile = k == 0 ? own : images.Load(scene.images[static_cast<std::size_t>(k)]);
    const std::array<int, 2> corner = scene.mosaic.CornerXy(k, tile.pixels.size());
    canvas->Place(tile.pixels, corner[0], corner[1]);
    AppendObjects(labels, tile.image, tile.pixels.size(), corner, {canvas->height, canvas->width},
                  ClipToCanvas::kYes, objects);
  }
  return own.image;
}

void Normalise(const SceneObjects& objects, Flip flip, ImageSize size,
               std::vector<LabelBox>* boxes) {
  const auto height = static_cast<float>(size.height);
  const auto width = static_cast<float>(size.width);
  boxes->clear();
  for (const SceneObject& object : objects.objects) {
    const Xywh box = ToXywh(FlipBox(flip, object.box, height, width));
    boxes->push_back(
        {object.class_id, {box.x / width, box.y / height, box.w / width, box.h / height}});
  }
}

bool IsMixed(const SamplePlan& plan) {
  return plan.mixup.has_value() || plan.cutmix.has_value() || plan.paste_from.has_value();
}

}  // namespace

std::uint32_t TrainingAugment::MakeScene(const ScenePlan& scene, double paste_share, Flip flip,
                                         const ColourPlan& colours, const LabelView& labels,
                                         ImageProvider& images, const MutableImageView& out,
                                         SceneObjects* objects) {
  MosaicCanvas canvas;
  const std::uint32_t image = Compose(scene, labels, images, &canvas, objects);
  const ImageSize canvas_size{canvas.height, canvas.width};
  if (paste_share > 0 && objects->has_polygons()) {
    canvas_.Reshape(canvas_size);
    DrawCanvas(canvas, canvas_.view());
    copy_paste_.PasteMirrored(paste_share, canvas_.view(), objects);
    canvas = MosaicCanvas::Of(canvas_.view());
  }
  const Matrix3 matrix =
      AugmentationMatrix(scene.affine, canvas.height, canvas.width, out.height, out.width);
  renderer_->Render(canvas, matrix, flip, colours, out);
  images.ReleaseAll();
  WarpObjects(matrix, scene.affine.zoom, canvas_size, out.size(), objects);
  return image;
}

// Flipped pixels and unflipped objects: boxes are flipped at the very end.
void TrainingAugment::Mix(const SamplePlan& plan, const LabelView& labels, ImageProvider& images,
                          const MutableImageView& out) {
  partner_.Reshape(out.size());
  const auto make_partner = [&](const ScenePlan& scene, double paste_share, Flip flip) {
    MakeScene(scene, paste_share, flip, {}, labels, images, partner_.view(), &partner_objects_);
  };
  if (plan.paste_from) {
    // Polygons are pasted unflipped; with mixup or cutmix to come, too, since both pictures are
    // mirrored together afterwards.
    make_partner(*plan.paste_from, 0, Flip{});
    copy_paste_.PasteFrom(plan.paste_share, partner_.view(), partner_objects_, out, &objects_);
  }
  const double mirrored_share = plan.paste_from ? 0 : plan.paste_share;
  const Flip flip = plan.paste_from ? Flip{} : plan.flip;
  if (plan.mixup) {
    make_partner(*plan.mixup, mirrored_share, flip);
    MixUpPixels(plan.mixup_ratio, partner_.view(), out);
    AppendAll(partner_objects_, &objects_);
  }
  if (plan.cutmix) {
    const std::optional<CutArea> area = DrawCutArea(plan.cutmix_rng, out.size(), objects_);
    if (!area) return;
    make_partner(*plan.cutmix, mirrored_share, flip);
    if (AddObjectsInArea(*area, partner_objects_, &objects_))
      CopyArea(*area, flip, partner_.view(), out);
  }
}

std::uint32_t TrainingAugment::Make(const SamplePlan& plan, const LabelView& labels,
                                    ImageProvider& images, const MutableImageView& out,
                                    std::vector<LabelBox>* boxes) {
  const ColourPlan colours{.hsv = plan.hsv, .to_bgr = plan.keep_bgr};
  if (!IsMixed(plan)) {
    const std::uint32_t image =
        MakeScene(plan.scene, plan.paste_share, plan.flip, colours, labels, images, out, &objects_);
    Normalise(objects_, plan.flip, out.size(), boxes);
    return image;
  }
  const bool flip_last = plan.paste_from.has_value();
  const std::uint32_t image =
      MakeScene(plan.scene, flip_last ? 0 : plan.paste_share, flip_last ? Flip{} : plan.flip, {},
                labels, images, out, &objects_);
  Mix(plan, labels, images, out);
  if (flip_last) FlipPixels(plan.flip, out);
  renderer_->Recolour(colours, out);
  Normalise(objects_, plan.flip, out.size(), boxes);
  return image;
}

MemoryNeed EstimateMemory(const AugmentOptions& options, ImageSize output) {
  const Bytes picture = output.PixelBytes();
  Bytes bytes = CanvasWarp::EstimateBytes(output.width);
  if (options.mixup > 0 || options.cutmix > 0 || options.copy_paste > 0) bytes += picture;
  // The drawn canvas and its mirror image.
  if (options.copy_paste > 0) bytes += 2 * 4 * picture;
  return {MemoryTag::kDecode, bytes};
}

}  // namespace headroom
