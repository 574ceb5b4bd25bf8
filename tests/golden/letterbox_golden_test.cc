// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/letterbox.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing_torch/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace headroom {
namespace {

TEST(LetterboxGolden, GivesTheReferencesCanvasesAndPixels) {
  HEADROOM_NEEDS_SHARED("golden/image.pt");
  const auto archive = testing::ReadTensorFile(testing::SharedFile("golden/image.pt"));
  int compared = 0;
  for (int k = 0; k < 5; ++k) {
    const std::string name = "letterbox." + std::to_string(k);
    SCOPED_TRACE(name);
    const at::Tensor& args = archive.at(name + ".args");
    const auto arg = [&](int i) { return static_cast<int>(args[i].item<std::int64_t>()); };
    const ImageSize source{arg(0), arg(1)};
    const LetterboxLayout layout =
        PlanLetterbox(source, {.canvas = {arg(2), arg(2)},
                               .enlarge = arg(4) != 0 ? Enlarge::kYes : Enlarge::kNo,
                               .pad_to = arg(3) != 0 ? PadTo::kStride : PadTo::kCanvas});
    EXPECT_EQ(layout.canvas, (ImageSize{arg(5), arg(6)}));
    if (!archive.contains(name + ".src_hwc")) continue;
    const at::Tensor from = archive.at(name + ".src_hwc").contiguous();
    const at::Tensor expected = archive.at(name + ".dst_hwc").contiguous();
    Image canvas(layout.canvas);
    Letterbox(PackedView(from.const_data_ptr<std::uint8_t>(), source), layout, canvas.view());
    const auto* const pixels = expected.const_data_ptr<std::uint8_t>();
    EXPECT_TRUE(std::equal(pixels, pixels + expected.numel(), std::as_const(canvas).data()));
    ++compared;
  }
  EXPECT_EQ(compared, 3);
}

}  // namespace
}  // namespace headroom
