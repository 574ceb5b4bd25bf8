// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/loss/task_aligned_assigner.h"

#include <ATen/core/Tensor.h>

namespace headroom {

// Anchors in ascending order with their boxes (both [F], int64) and weights [F].
struct DenseAssignment {
  at::Tensor anchors;
  at::Tensor boxes;
  at::Tensor weights;
};

// The obvious twin of TaskAlignedAssigner for one image, on any device: every (box, anchor) pair in
// dense ATen operations. Peak extra memory: about 20 * M * A elements.
//   anchors [A, 2] centres; scores [A, classes] in [0, 1]; boxes [A, 4] xyxy;
//   target_classes [M] int64; target_boxes [M, 4] xyxy; pixels throughout. M may be 0.
DenseAssignment AssignDense(const AssignerOptions& options, const at::Tensor& anchors,
                            const at::Tensor& scores, const at::Tensor& boxes,
                            const at::Tensor& target_classes, const at::Tensor& target_boxes);

// ciou.h in ATen: boxes [..., 4] that broadcast; differentiable by both.
at::Tensor CiouReference(const at::Tensor& a, const at::Tensor& b);

}  // namespace headroom
