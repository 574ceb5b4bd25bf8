// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/decode_share.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

namespace headroom {

DecodeAdmission DecodeShare::For(std::uint32_t image) const {
  return [this, image](const ImageInfo& info, const DecodeNeed& need) -> Result<Bytes> {
    const ImageSize size = index_.image_size(image);
    if (info.size != size) {
      return Failure{fmt::format("it was replaced: {}x{} px now, {}x{} when the set was read",
                                 info.size.width, info.size.height, size.width, size.height)};
    }
    if (need.Total() > bytes_) {
      return Failure{fmt::format(
          "it was replaced: reading it takes {} now, {} is the most that any picture of the set "
          "took when it was read",
          ToString(need.Total()), ToString(bytes_))};
    }
    return bytes_;
  };
}

std::string ExplainDecode(const DatasetIndex& index, int min_long_side) {
  Bytes most;
  std::string text;
  std::string path;
  for (std::size_t image = 0; image < index.size(); ++image) {
    index.CopyImagePath(image, &path);
    const Result<ImageInfo> info = ReadImageInfo(path);
    std::error_code error;
    const Bytes file(std::filesystem::file_size(path, error));
    if (!info.ok() || error) continue;
    const Bytes bytes = EstimateDecode(*info, file, {.min_long_side = min_long_side}).Total();
    if (bytes <= most) continue;
    most = bytes;
    text = fmt::format(
        ". The picture that takes most is {} ({}, {}x{} px): {} while it is read. Make it smaller "
        "or leave it out",
        path, Name(info->format), info->size.width, info->size.height, ToString(bytes));
  }
  return text;
}

}  // namespace headroom
