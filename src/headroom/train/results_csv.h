// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/train/observer.h"

#include <span>
#include <string>
#include <vector>

namespace headroom {

// The rows of results.csv: one an epoch, the reference's columns. Kept in memory, since
// checkpoints carry them; the file is written anew each time, so a kill leaves whole rows.
class ResultsCsv {
 public:
  // losses: names of the loss's terms; groups: columns lr/pg0 and on.
  ResultsCsv(std::span<const std::string> losses, std::size_t groups);

  // Rows of an earlier part of the run; later ones than `epochs` are dropped.
  void Restore(const std::string& text, int epochs);
  void Append(const EpochEvent& event);
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  [[nodiscard]] const std::vector<std::vector<double>>& rows() const { return rows_; }
  [[nodiscard]] std::string Text() const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<double>> rows_;
};

}  // namespace headroom
