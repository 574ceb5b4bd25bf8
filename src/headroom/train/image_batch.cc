// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/image_batch.h"

#include "headroom/data/true_boxes.h"

#include <ATen/ATen.h>

#include <cstring>
#include <vector>

namespace headroom {
namespace {

at::Tensor AsTensor(const Sample& sample) {
  auto* pixels = const_cast<std::uint8_t*>(
      sample.pixels.data());  // from_blob takes no const; it is only read.
  return at::from_blob(pixels, {1, sample.height, sample.width, 3}, at::kByte)
      .permute({0, 3, 1, 2});
}

void WritePicture(const Sample& sample, at::Tensor target) {
  const bool same_size = target.size(1) == sample.height && target.size(2) == sample.width;
  if (same_size && target.is_cpu()) {
    std::memcpy(target.data_ptr(), sample.pixels.data(), sample.pixels.size());
    return;
  }
  at::Tensor picture = AsTensor(sample);
  if (!same_size) {
    picture =
        at::upsample_bilinear2d(picture.to(at::kFloat), {target.size(1), target.size(2)}, false)
            .round_()
            .clamp_(0, 255);
  }
  target.copy_(picture[0]);
}

}  // namespace

void FillBatch(Loader& loader, std::int64_t first, std::int64_t count, at::Tensor& input,
               BatchTargets* targets) {
  targets->Clear();
  std::vector<TrueBox> boxes;
  for (std::int64_t i = 0; i < count; ++i) {
    const Sample& sample = loader.Get(first + i);
    WritePicture(sample, input[i]);
    boxes.clear();
    AppendTrueBoxes(sample, static_cast<int>(input.size(3)), static_cast<int>(input.size(2)),
                    &boxes);
    targets->AddImage(boxes);
  }
}

}  // namespace headroom
