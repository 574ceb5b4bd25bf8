// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/data/dataset_index.h"
#include "headroom/evaluate/detector.h"
#include "headroom/evaluate/validation.h"

namespace headroom {

// What counts as a detection in a validation, whoever asks for it: conf=, iou=, max_det=, and
// classes that suppress each other with agnostic_nms= or single_cls=.
[[nodiscard]] DetectorOptions DetectorOptionsForValidation(const Options& options,
                                                           const DatasetIndex& index);
// The same of how it is measured; batch, pieces and workers are the caller's.
[[nodiscard]] ValidationOptions ValidationOptionsOf(const Options& options,
                                                    const DatasetIndex& index);
// Whether the one-to-one head is asked for (nms=False), which not every model has.
[[nodiscard]] bool WantsOneToOne(const Options& options);

}  // namespace headroom
