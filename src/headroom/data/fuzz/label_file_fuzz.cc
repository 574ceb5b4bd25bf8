// SPDX-License-Identifier: Apache-2.0
// Label files: what is read makes a sound table, what is refused leaves no trace.
#include "headroom/data/label_file.h"
#include "headroom/data/label_table.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static headroom::LabelFileParser parser;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const int classes : {0, 3}) {
    headroom::LabelRows rows;
    const auto report = parser.Parse(text, "fuzz.txt", classes, &rows);
    if (!report && (!rows.boxes.empty() || !rows.points.empty())) std::abort();
    if (!report) continue;
    for (std::size_t i = 0; i < rows.boxes.size(); ++i) {
      const headroom::Xywh& box = rows.boxes[i];
      const bool finite = std::isfinite(box.x) && std::isfinite(box.y) && std::isfinite(box.w) &&
                          std::isfinite(box.h);
      if (!finite || rows.class_ids[i] < 0) std::abort();
    }
    headroom::LabelTableBuilder builder;
    builder.Append(std::move(rows));
    if (!builder.MixesPolygons()) static_cast<void>(builder.Build());
  }
  return 0;
}
