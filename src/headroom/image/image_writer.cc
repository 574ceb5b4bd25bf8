// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/image_writer.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/image/opencv_bridge.h"

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>

#include <string_view>
#include <vector>

namespace headroom {

void WriteJpeg(const std::filesystem::path& path, const ImageView& bgr, int quality) {
  std::vector<std::uint8_t> bytes;
  const std::string problem = internal::Quietly([&] {
    cv::imencode(".jpg", internal::WrapInput(bgr), bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
  });
  if (!problem.empty() || bytes.empty()) {
    throw WriteError(fmt::format("cannot write {} ({}x{}): {}", path.string(), bgr.height,
                                 bgr.width, problem.empty() ? "no JPEG encoder" : problem));
  }
  WriteFileAtomic(path,
                  std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace headroom
