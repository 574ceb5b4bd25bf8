// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/orientation.h"

#include "headroom/core/check.h"
#include "headroom/image/opencv_bridge.h"

#include <opencv2/core.hpp>

namespace headroom {
void TurnUpright(Orientation orientation, Image* image) {
  if (orientation == Orientation::kUpright) return;
  internal::EnsureQuietSerialOpenCv();
  if (SwapsSides(orientation)) {
    Image scratch({image->width(), image->height()}, image->channels());
    cv::Mat turned = internal::WrapMat(scratch.view());
    cv::transpose(internal::WrapMat(image->view()), turned);
    HEADROOM_CHECK(turned.data == scratch.data(), "cv::transpose left the caller's buffer");
    image->Swap(scratch);
  }
  cv::Mat pixels = internal::WrapMat(image->view());
  constexpr int kUpDown = 0;
  constexpr int kLeftRight = 1;
  constexpr int kBoth = -1;
  switch (orientation) {
    case Orientation::kUpright:
    case Orientation::kTransposed:
      break;
    case Orientation::kMirrored:
    case Orientation::kRotated90:
      cv::flip(pixels, pixels, kLeftRight);
      break;
    case Orientation::kRotated180:
    case Orientation::kTransversed:
      cv::flip(pixels, pixels, kBoth);
      break;
    case Orientation::kFlipped:
    case Orientation::kRotated270:
      cv::flip(pixels, pixels, kUpDown);
      break;
  }
}

}  // namespace headroom
