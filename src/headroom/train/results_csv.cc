// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/results_csv.h"

#include "headroom/core/strings.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace headroom {
namespace {

double Rounded(double value) { return std::round(value * 1e5) / 1e5; }

}  // namespace

ResultsCsv::ResultsCsv(std::span<const std::string> losses, std::size_t groups) {
  columns_ = {"epoch", "time"};
  for (const std::string& loss : losses) columns_.push_back("train/" + loss);
  for (const char* metric : {"precision", "recall", "mAP50", "mAP50-95"})
    columns_.push_back(fmt::format("metrics/{}(B)", metric));
  for (const std::string& loss : losses) columns_.push_back("val/" + loss);
  for (std::size_t i = 0; i < groups; ++i) columns_.push_back(fmt::format("lr/pg{}", i));
}

void ResultsCsv::Restore(const std::string& text, int epochs) {
  rows_.clear();
  const auto lines = Split(text, '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::vector<double> row;
    for (const std::string_view cell : Split(lines[i], ',')) {
      double value = 0;
      if (ParseDouble(Trim(cell), &value)) row.push_back(value);
    }
    if (row.size() == columns_.size() && row[0] <= epochs) rows_.push_back(std::move(row));
  }
}

void ResultsCsv::Append(const EpochEvent& event) {
  const DetectionMetrics& m = event.metrics;
  std::vector<double> row = {static_cast<double>(event.epoch + 1), event.seconds};
  for (const double item : event.train_items) row.push_back(Rounded(item));
  for (const double metric : {m.precision, m.recall, m.map50, m.map50_95})
    row.push_back(Rounded(metric));
  for (const double item : event.val_items) row.push_back(Rounded(item));
  row.insert(row.end(), event.lr.begin(), event.lr.end());
  rows_.push_back(std::move(row));
}

std::string ResultsCsv::Text() const {
  std::string text = Join(columns_, ",") + "\n";
  for (const std::vector<double>& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i)
      text += fmt::format("{}{:.6g}", i == 0 ? "" : ",", row[i]);
    text += "\n";
  }
  return text;
}

}  // namespace headroom
