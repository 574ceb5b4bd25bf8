// SPDX-License-Identifier: Apache-2.0
// Private to image/: nothing else sees OpenCV's types.
#pragma once

#include "headroom/image/image.h"

#include <opencv2/core/mat.hpp>

#include <functional>
#include <string>

namespace headroom::internal {

// OpenCV's own threads and console noise off, once a process. Its threads would run beside ours,
// uncounted.
void EnsureQuietSerialOpenCv();

// Runs what calls OpenCV's codecs; the text of their exception, or nothing. They print what they
// are about to throw to std::cerr, which is muted for this thread meanwhile.
[[nodiscard]] std::string Quietly(const std::function<void()>& run);

// A header over the view's memory; it owns nothing.
[[nodiscard]] cv::Mat WrapMat(const MutableImageView& view);
// For inputs only: OpenCV has no constant header.
[[nodiscard]] cv::Mat WrapInput(const ImageView& view);

}  // namespace headroom::internal
