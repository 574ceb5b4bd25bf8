// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/dataset_index.h"
#include "headroom/data/sample.h"
#include "headroom/deploy/label_files.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/reservation.h"

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace headroom {

// labels/*.txt of a validation with save_txt. A file is named by its image's path below the folder
// that all images share, with _ for / (as Ultralytics 8.4.190); where that lets two images have one
// name, the later in the list gets a number.
class ValidationLabels {
 public:
  // Removes an earlier run's files. The index, and the budget (may be null), must outlive it.
  ValidationLabels(LabelFiles files, const DatasetIndex& index, Budget* budget);

  // Detections in network pixels. Throws WriteError.
  void Write(std::uint32_t image, std::span<const Detection> found, const Sample& sample);
  [[nodiscard]] const LabelFiles& files() const { return files_; }

 private:
  [[nodiscard]] std::string PlainName(std::uint32_t image) const;
  [[nodiscard]] std::string NameOf(std::uint32_t image) const;
  void FindEqualNames(Budget* budget);

  LabelFiles files_;
  const DatasetIndex& index_;
  std::size_t shared_ = 0;  // Bytes of the shared folder's path, with its last /.
  // Of images whose plain name an earlier one has.
  std::vector<std::pair<std::uint32_t, int>> numbers_;
  Reservation numbers_held_;
  std::vector<Detection> mapped_;
};

}  // namespace headroom
