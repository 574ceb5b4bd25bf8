// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/network_writer.h"
#include "headroom/graph/shape.h"
#include "headroom/nn/model.h"

#include <cstdint>

namespace headroom {

// What an exported network gives.
enum class ExportOutput : std::uint8_t {
  kPredictions,  // [N, 4 + classes, A]: x, y, w, h in pixels, probabilities; no suppression.
  kSuppressed,   // nms=True: [N, max_det, 6], rows x1 y1 x2 y2 score class, best first, then zeros.
  kEndToEnd,     // nms=False of a model with a one-to-one head: the same rows, selected by score.
};

struct NetworkForm {
  ExportOutput output = ExportOutput::kPredictions;
  std::int64_t images = 1;
  Extent extent{640, 640};
  bool dynamic = false;  // Images, height and width are free.
  SuppressionRule suppression;
};

// Writes the network for inference: batch-norms folded, one head, boxes decoded. Operations of the
// graph that are not known are an InternalError.
void ExportNetwork(const Model& model, const NetworkForm& form, NetworkWriter& writer);

}  // namespace headroom
