// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_report.h"

#include "headroom/core/file.h"
#include "headroom/core/strings.h"
#include "headroom/plot/memory_chart.h"
#include "headroom/plot/report.h"
#include "headroom/plot/results_chart.h"
#include "headroom/train/run_environment.h"
#include "headroom/train/run_tables.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// The largest value that a column of memory.csv ever had.
std::optional<Bytes> PeakOf(const NumberTable& memory, const std::string& column) {
  const std::vector<double> values = memory.Column(column);
  if (values.empty()) return std::nullopt;
  double most = 0;
  for (const double value : values) {
    if (value > most) most = value;
  }
  return Bytes(static_cast<std::uint64_t>(most * (1 << 20)));
}

std::string ColumnOf(std::string tag) {
  std::replace(tag.begin(), tag.end(), ' ', '_');
  return tag + "_mb";
}

// The largest need of each consumer over the phases of a place.
ReportData::Plan PlanOf(const Json& place, const char* title) {
  ReportData::Plan plan{.title = title};
  for (const auto& [phase, content] : place.at("phases").items()) {
    for (const auto& [tag, row] : content.at("rows").items()) {
      const Bytes planned(row.at("bytes").get<std::uint64_t>());
      const auto found = std::find_if(plan.rows.begin(), plan.rows.end(),
                                      [&](const auto& one) { return one.name == tag; });
      if (found == plan.rows.end()) {
        plan.rows.push_back({tag, planned, {}, row.at("basis")});
      } else {
        found->planned = std::max(found->planned, planned);
      }
    }
  }
  plan.total = ReportData::PlanRow{.name = "peak",
                                   .planned = Bytes(place.at("peak_bytes").get<std::uint64_t>()),
                                   .measured = {},
                                   .basis = {}};
  if (!place.at("limit_bytes").is_null())
    plan.limit = Bytes(place.at("limit_bytes").get<std::uint64_t>());
  plan.limit_origin = place.at("limit_origin");
  return plan;
}

void AddPlans(const RunStart& run, const NumberTable& memory, ReportData& data) {
  const Result<std::string> text = ReadFile(run.folder / "memory_plan.json");
  if (!text) return;
  const Json json = Json::parse(*text);
  ReportData::Plan host = PlanOf(json.at("host"), "Host memory");
  for (ReportData::PlanRow& row : host.rows) row.measured = PeakOf(memory, ColumnOf(row.name));
  host.total->measured = PeakOf(memory, "rss_peak_mb");
  data.plans.push_back(std::move(host));
  ReportData::Plan device = PlanOf(json.at("device"), "GPU memory");
  if (device.rows.empty()) return;
  // Of a device the driver tells the sum alone.
  device.total->measured = PeakOf(memory, "gpu_used_mb");
  data.plans.push_back(std::move(device));
}

struct SamplePicture {
  fs::path file;
  std::string caption;
};

// Of each kind the first that was drawn.
std::vector<SamplePicture> SamplePictures(const fs::path& folder) {
  std::vector<SamplePicture> pictures = {{"train_batch", "A training batch"},
                                         {"val_batch0_labels.jpg", "Validation: labels"},
                                         {"val_batch0_pred.jpg", "Validation: predictions"}};
  std::vector<fs::path> batches;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename().string().starts_with("train_batch"))
      batches.push_back(entry.path().filename());
  }
  // The shortest name has the lowest number.
  const auto before = [](const fs::path& a, const fs::path& b) {
    return std::pair(a.native().size(), a.native()) < std::pair(b.native().size(), b.native());
  };
  if (!batches.empty())
    pictures[0].file = *std::min_element(batches.begin(), batches.end(), before);
  for (SamplePicture& picture : pictures) picture.file = folder / picture.file;
  std::erase_if(pictures,
                [&](const SamplePicture& one) { return !fs::is_regular_file(one.file, error); });
  return pictures;
}

void AddPictures(const RunStart& run, ReportData& data) {
  for (const SamplePicture& picture : SamplePictures(run.folder)) {
    if (Result<std::string> bytes = ReadFile(picture.file))
      data.pictures.push_back({picture.caption, std::move(*bytes)});
  }
}

// The lines of headroom.yaml: our own options, and what the run has made of them.
void AddOwnArguments(const RunStart& run, ReportData& data) {
  const Result<std::string> text = ReadFile(run.folder / "headroom.yaml");
  if (!text) return;
  for (const std::string_view line : Split(*text, '\n')) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos || line.starts_with("#")) continue;
    data.arguments.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
}

void AddAdaptations(const RunStart& run, const RunHistory& history, ReportData& data) {
  for (const std::string& line : run.fitted)
    data.adaptations.push_back({"plan", line, "to fit the memory limit"});
  for (const MemoryTimeline::Adaptation& act : history.earlier())
    data.adaptations.push_back(
        {fmt::format("{:.0f} s, before it was resumed", act.second), act.text, {}});
  for (const MemoryTimeline::Adaptation& act : history.adaptations())
    data.adaptations.push_back({fmt::format("{:.0f} s", act.second), act.text, {}});
  data.no_adaptations = "The plan held from start to end: nothing had to be given back.";
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

void WriteRunReport(const RunStart& run, const RunHistory& history,
                    const std::string& memory_summary, const std::vector<Figure>& charts) {
  const NumberTable results = ReadNumberTable(run.folder / "results.csv");
  const NumberTable memory = ReadNumberTable(run.folder / "memory.csv");
  ReportData data;
  data.title = fmt::format("{}: {} on {}", run.folder.filename().string(), run.options->model,
                           run.options->data);
  data.subtitle = fmt::format("{} epochs. {}", results.rows.size(), memory_summary);
  data.epochs = {.columns = results.columns, .rows = results.rows, .best_row = {}};
  AddHeadline(results, data);
  const ResultsData panels = ResultsFromTable(results.columns, results.rows);
  const MemoryTimeline timeline = TimelineOf(memory, history);
  data.figures.push_back(ResultsFigure(panels));
  if (!timeline.seconds.empty()) data.figures.push_back(MemoryFigure(timeline));
  data.figures.insert(data.figures.end(), charts.begin(), charts.end());
  AddAdaptations(run, history, data);
  AddPictures(run, data);
  AddArguments(run, data);
  AddOwnArguments(run, data);
  AddPlans(run, memory, data);
  data.environment = DescribeEnvironment();
  WriteReport(run.folder / "report.html", data);
}

MemoryNeed EstimateRunReportMemory(const RunStart& run) {
  // A figure's text, of which a confusion matrix of 95 classes has the most; cells of the tables
  // take twice what they take in their files.
  Bytes need = Bytes::MiB(8);
  std::error_code error;
  for (const SamplePicture& picture : SamplePictures(run.folder))
    need = need + Bytes(fs::file_size(picture.file, error)) * 3;
  for (const char* table : {"results.csv", "memory.csv"}) {
    const std::uintmax_t size = fs::file_size(run.folder / table, error);
    if (!error) need = need + Bytes(size) * 4;
  }
  return {MemoryTag::kPlots, need, NeedBasis::kAssumed};
}

}  // namespace headroom
