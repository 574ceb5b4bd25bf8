// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/figure.h"

#include <span>
#include <string>
#include <vector>

namespace headroom {

// One quantity over the epochs; values that are not finite leave a gap.
struct ResultsPanel {
  std::string name;  // "train/box_loss"
  std::vector<double> values;
};

struct ResultsData {
  std::vector<double> epochs;
  std::vector<ResultsPanel> panels;
};

// The panels of a table with the columns of results.csv, in the reference's order: training losses,
// precision and recall, then validation losses and average precisions. Epoch, time and learning
// rates have none. Rows may be short; what is missing is a gap.
[[nodiscard]] ResultsData ResultsFromTable(std::span<const std::string> columns,
                                           std::span<const std::vector<double>> rows);

// results.png: a panel a quantity (ten are 2 x 5), values and their smoothed course (sigma 3).
[[nodiscard]] Figure ResultsFigure(const ResultsData& data);

}  // namespace headroom
