// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/memory/memory_need.h"
#include "headroom/plot/figure.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom {

// What report.html shows. Texts are plain; the page escapes them. Empty parts are left out.
struct ReportData {
  using Facts = std::vector<std::pair<std::string, std::string>>;  // Name, value.

  struct Picture {
    std::string caption;
    std::string jpeg;  // The file's bytes.
  };
  struct PlanRow {
    std::string name;
    Bytes planned;
    std::optional<Bytes> measured;  // Its peak.
    std::string basis;              // "exact", "measured", "assumed".
  };
  struct Plan {
    std::string title;  // "Host memory"
    std::vector<PlanRow> rows;
    std::optional<PlanRow> total;
    std::optional<Bytes> limit;
    std::string limit_origin;
  };
  struct Adaptation {
    std::string when;  // "epoch 3, 0:04:12"
    std::string what;
    std::string why;
  };
  struct Epochs {
    std::vector<std::string> columns;
    std::vector<std::vector<double>> rows;
    std::optional<std::size_t> best_row;
  };

  std::string title;     // "train3: yolo11n on bccd.yaml"
  std::string subtitle;  // "finished 2025-03-01 14:02, 60 epochs in 1.2 h"
  Facts headline;        // A handful of large figures: "mAP50-95", "0.537".
  std::vector<Figure> figures;
  std::vector<Picture> pictures;
  Epochs epochs;
  std::vector<Plan> plans;
  std::vector<Adaptation> adaptations;
  // Told where there are none: "the plan held from start to end".
  std::string no_adaptations;
  Facts arguments;
  Facts environment;
};

// One self-contained page: no scripts, nothing fetched (a content security policy says so), light
// and dark by the reader's preference, and a style for printing. Given piece by piece, so that
// never more than a figure's or a picture's text is held.
void RenderReport(const ReportData& data, const std::function<void(std::string_view)>& write);
[[nodiscard]] std::string RenderReport(const ReportData& data);
// Throws WriteError; the file is whole or not there.
void WriteReport(const std::filesystem::path& path, const ReportData& data);

// What WriteReport holds beside the data.
[[nodiscard]] MemoryNeed EstimateMemory(const ReportData& data);

}  // namespace headroom
