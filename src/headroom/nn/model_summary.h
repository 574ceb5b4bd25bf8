// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/model.h"

#include <cstdint>
#include <string>

namespace headroom {

// The figures of a model as the reference counts them.
struct ModelSummary {
  std::int64_t layers = 0;  // Named modules without parts: one activation serves all convolutions.
  std::int64_t parameters = 0;
  std::int64_t gradients = 0;  // Parameters that gradients reach.
  // Of one image, 1e9: 2 for each multiply-add of convolutions and attention, 8 for each element
  // that a batch-norm gives.
  double gflops = 0;
};

enum class ModelForm : std::uint8_t {
  kTraining,
  kFused,  // Batch-norms folded into convolutions, one head, no gradients: validation, exports.
};

[[nodiscard]] ModelSummary Summarize(const Model& model, const Extent& image, ModelForm form);

// "YOLO11n summary: 181 layers, 2,624,080 parameters, 2,624,064 gradients, 6.7 GFLOPs"; at 640
// pixels whatever the run's size, as everybody quotes it.
[[nodiscard]] std::string SummaryLine(const Model& model, ModelForm form);

}  // namespace headroom
