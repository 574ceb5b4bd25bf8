// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/letterbox_source.h"

#include "headroom/data/decode_share.h"
#include "headroom/image/image_decoder.h"
#include "headroom/image/letterbox.h"
#include "headroom/image/resize.h"

#include <algorithm>
#include <numeric>
#include <optional>

namespace headroom {

struct LetterboxSource::LetterboxScratch : SampleSource::Scratch {
  explicit LetterboxScratch(const DatasetIndex& index) : share(index, 0) {}
  DecodeShare share;
  ImageDecoder decoder;
  std::string path;
  Image decoded;
  Image resized;
  std::optional<CachedImage> cached;
  ImageView loaded;  // One of the three.
};

namespace {

RectBatches MakeBatches(const LetterboxSourceOptions& options, const DatasetIndex& index) {
  if (options.rect) {
    return GroupByAspect(index.image_sizes(), {.image_size = options.image_size,
                                               .batch = options.batch,
                                               .stride = options.stride,
                                               .pad = options.pad});
  }
  RectBatches batches;
  batches.batch = options.batch;
  batches.order.resize(index.size());
  std::iota(batches.order.begin(), batches.order.end(), 0U);
  const auto step = static_cast<std::size_t>(options.batch);
  batches.shapes.assign((index.size() + step - 1) / step, {options.image_size, options.image_size});
  return batches;
}

}  // namespace

LetterboxSource::LetterboxSource(const LetterboxSourceOptions& options, const DatasetIndex& index,
                                 ImageCache* cache)
    : options_(options),
      index_(index),
      cache_(cache),
      batches_(MakeBatches(options, index)),
      damaged_(index) {}

LetterboxSource::~LetterboxSource() = default;

Bytes LetterboxSource::max_sample_bytes() const {
  Bytes most;
  for (const ImageSize shape : batches_.shapes) most = std::max(most, shape.PixelBytes());
  return most;
}

Bytes LetterboxSource::worker_bytes() const {
  return EstimateWorkerMemory(options_, index_).Total();
}

std::string LetterboxSource::ExplainWorker() const { return ExplainDecode(index_, 0); }

std::unique_ptr<SampleSource::Scratch> LetterboxSource::MakeScratch() {
  return std::make_unique<LetterboxScratch>(index_);
}

bool LetterboxSource::Load(std::uint32_t image, LetterboxScratch& scratch) {
  if (cache_ != nullptr) {
    scratch.cached = cache_->Find(image, &scratch.resized);
    if (scratch.cached) {
      scratch.loaded = scratch.cached->view();
      return true;
    }
  }
  index_.CopyImagePath(image, &scratch.path);
  const Result<ImageInfo> info = scratch.decoder.Decode(scratch.path, {.order = ColorOrder::kRgb},
                                                        scratch.share.For(image), &scratch.decoded);
  if (!info) {
    damaged_.Add(image, info.error());
    return false;
  }
  const ImageSize size = LoadedSize(info->size, options_.image_size);
  const ImageView decoded = std::as_const(scratch.decoded).view();
  scratch.loaded = decoded;
  if (size != decoded.size()) {
    scratch.resized.Reshape(size);
    ResizeBilinear(decoded, scratch.resized.view());
    scratch.loaded = std::as_const(scratch.resized).view();
  }
  if (cache_ != nullptr) cache_->Store(image, scratch.loaded);
  return true;
}

void LetterboxSource::Make(std::int64_t position, Scratch& scratch, SampleSlot* slot) {
  auto& mine = static_cast<LetterboxScratch&>(scratch);
  const auto at = static_cast<std::size_t>(position);
  std::uint32_t image = damaged_.Substitute(batches_.order[at]);
  while (!Load(image, mine)) image = damaged_.Substitute(image);
  Compose(image, mine, batches_.ShapeOf(at), slot);
  mine.cached.reset();
}

void LetterboxSource::Compose(std::uint32_t image, const LetterboxScratch& scratch,
                              ImageSize canvas, SampleSlot* slot) const {
  const LetterboxLayout layout =
      PlanLetterbox(scratch.loaded.size(),
                    {.canvas = canvas, .enlarge = Enlarge::kNo, .stride = options_.stride});
  const MutableImageView out = slot->Shape(canvas);
  Letterbox(scratch.loaded, layout, out);
  const ImageSize source = index_.image_size(image);
  slot->sample.image_index = image;
  slot->sample.geometry = {
      .source_height = source.height,
      .source_width = source.width,
      .scale_x = static_cast<float>(layout.resized.width) / static_cast<float>(source.width),
      .scale_y = static_cast<float>(layout.resized.height) / static_cast<float>(source.height),
      .pad_x = static_cast<float>(layout.left),
      .pad_y = static_cast<float>(layout.top)};
  const auto width = static_cast<float>(canvas.width);
  const auto height = static_cast<float>(canvas.height);
  const float share_x = static_cast<float>(layout.resized.width) / width;
  const float share_y = static_cast<float>(layout.resized.height) / height;
  slot->labels.clear();
  index_.labels().ForEach(image, [&](std::int32_t class_id, const Xywh& b, LabelTable::Polygon) {
    slot->labels.push_back(
        {class_id,
         {b.x * share_x + static_cast<float>(layout.left) / width,
          b.y * share_y + static_cast<float>(layout.top) / height, b.w * share_x, b.h * share_y}});
  });
  slot->sample.labels = slot->labels;
}

MemoryNeed EstimateWorkerMemory(const LetterboxSourceOptions& options, const DatasetIndex& index) {
  MemoryNeed need = index.EstimateDecode(0);
  Bytes resized;
  for (const ImageSize size : index.image_sizes()) {
    resized = std::max(resized, LoadedSize(size, options.image_size).PixelBytes());
  }
  return need.Add(MemoryTag::kDecode, resized);
}

}  // namespace headroom
