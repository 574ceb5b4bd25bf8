// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/path_table.h"

#include <span>
#include <string>
#include <string_view>

namespace headroom {

// All images of the sources, sorted by path: folders are searched recursively (names that begin
// with a dot are passed over), other files are lists, one path a line (a leading ./ means the
// list's folder; else as written). Only known image suffixes; images named twice stay twice.
// Throws DataError when a source is missing or nothing is found; `split` is for the text.
[[nodiscard]] PathTable ListImages(std::span<const std::string> sources, std::string_view split);

// Where the labels of an image are: the last /images/ becomes /labels/, the suffix .txt. Without
// /images/ they lie beside the image. The second form reuses the string.
[[nodiscard]] std::string LabelPathOf(std::string_view image_path);
void LabelPathOf(std::string_view image_path, std::string* label_path);

}  // namespace headroom
