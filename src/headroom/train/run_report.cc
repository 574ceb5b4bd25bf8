// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_report.h"

#include "headroom/core/file.h"
#include "headroom/monitor/usable_cores.h"
#include "headroom/plot/memory_chart.h"
#include "headroom/plot/results_chart.h"
#include "headroom/train/run_tables.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/version.h>

#include <algorithm>

namespace headroom {
namespace {

constexpr const char* kPictures[][2] = {{"train_batch0.jpg", "A training batch"},
                                        {"val_batch0_labels.jpg", "Validation: labels"},
                                        {"val_batch0_pred.jpg", "Validation: predictions"}};

using Json = nlohmann::ordered_json;

// The largest value that a consumer's column of memory.csv ever had.
std::optional<Bytes> PeakOf(const NumberTable& memory, std::string tag) {
  std::replace(tag.begin(), tag.end(), ' ', '_');
  const std::vector<double> column = memory.Column(tag + "_mb");
  if (column.empty()) return std::nullopt;
  double most = 0;
  for (const double value : column) {
    if (value > most) most = value;
  }
  return Bytes(static_cast<std::uint64_t>(most * (1 << 20)));
}

ReportData::Plan HostPlan(const Json& json, const NumberTable& memory) {
  const Json& host = json.at("host");
  ReportData::Plan plan{.title = "Host memory"};
  // The largest need of each consumer over the phases.
  for (const auto& [phase, content] : host.at("phases").items()) {
    for (const auto& [tag, row] : content.at("rows").items()) {
      const Bytes planned(row.at("bytes").get<std::uint64_t>());
      const auto found = std::find_if(plan.rows.begin(), plan.rows.end(),
                                      [&](const auto& one) { return one.name == tag; });
      if (found == plan.rows.end()) {
        plan.rows.push_back({tag, planned, PeakOf(memory, tag), row.at("basis")});
      } else {
        found->planned = std::max(found->planned, planned);
      }
    }
  }
  plan.total = ReportData::PlanRow{.name = "peak",
                                   .planned = Bytes(host.at("peak_bytes").get<std::uint64_t>()),
                                   .measured = PeakOf(memory, "rss_peak"),
                                   .basis = {}};
  if (!host.at("limit_bytes").is_null())
    plan.limit = Bytes(host.at("limit_bytes").get<std::uint64_t>());
  plan.limit_origin = host.at("limit_origin");
  return plan;
}

void AddPictures(const RunStart& run, ReportData& data) {
  for (const auto& [file, caption] : kPictures) {
    if (Result<std::string> bytes = ReadFile(run.folder / file))
      data.pictures.push_back({caption, std::move(*bytes)});
  }
}

void AddArguments(const RunStart& run, ReportData& data) {
  for (const auto& [name, value] : run.options->set.ReferenceItems()) {
    if (!value.is_null()) data.arguments.emplace_back(name, value.ToText());
  }
}

void AddHeadline(const NumberTable& results, ReportData& data) {
  const std::vector<double> map = results.Column("metrics/mAP50-95(B)");
  if (map.empty()) return;
  const auto best = std::max_element(map.begin(), map.end()) - map.begin();
  data.epochs.best_row = static_cast<std::size_t>(best);
  const auto at_best = [&](const char* column) {
    const std::vector<double> values = results.Column(column);
    return values.empty() ? std::string("-")
                          : fmt::format("{:.3f}", values[static_cast<std::size_t>(best)]);
  };
  data.headline = {{"mAP50-95", at_best("metrics/mAP50-95(B)")},
                   {"mAP50", at_best("metrics/mAP50(B)")},
                   {"precision", at_best("metrics/precision(B)")},
                   {"recall", at_best("metrics/recall(B)")}};
}

}  // namespace

void WriteRunReport(const RunStart& run, const std::string& memory_summary,
                    const std::vector<std::pair<double, std::string>>& acts) {
  const NumberTable results = ReadNumberTable(run.folder / "results.csv");
  const NumberTable memory = ReadNumberTable(run.folder / "memory.csv");
  ReportData data;
  data.title = fmt::format("{}: {} on {}", run.folder.filename().string(), run.options->model,
                           run.options->data);
  data.subtitle = fmt::format("{} epochs. {}", results.rows.size(), memory_summary);
  data.epochs = {.columns = results.columns, .rows = results.rows, .best_row = {}};
  AddHeadline(results, data);
  const ResultsData panels = ResultsFromTable(results.columns, results.rows);
  MemoryTimeline timeline = TimelineOf(memory);
  for (const auto& [second, text] : acts) {
    timeline.adaptations.push_back({second, text});
    data.adaptations.push_back({fmt::format("{:.0f} s", second), text, {}});
  }
  data.no_adaptations = "The plan held from start to end: nothing had to be given back.";
  data.figures.push_back(ResultsFigure(panels));
  if (!timeline.seconds.empty()) data.figures.push_back(MemoryFigure(timeline));
  AddPictures(run, data);
  AddArguments(run, data);
  if (const Result<std::string> text = ReadFile(run.folder / "memory_plan.json"))
    data.plans.push_back(HostPlan(Json::parse(*text), memory));
  const UsableCores cores = FindUsableCores();
  data.environment = {{"LibTorch", TORCH_VERSION},
                      {"threads", fmt::format("{} ({})", cores.count, cores.origin)}};
  WriteReport(run.folder / "report.html", data);
}

}  // namespace headroom
