// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/check.h"
#include "headroom/loss/detection_loss.h"
#include "headroom/loss/task_aligned_assigner_reference.h"
#include "headroom/memory/tag_scope.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <utility>

namespace headroom {
namespace {

// The maps of one image, anchors by channels: [A, 4 * reg_max] and [A, classes].
struct ImageRows {
  at::Tensor boxes;
  at::Tensor classes;
};

at::Tensor RowsOf(const std::vector<at::Tensor>& maps, std::int64_t image) {
  std::vector<at::Tensor> rows;
  for (const at::Tensor& map : maps) rows.push_back(map[image].flatten(1).t());
  return at::cat(rows, 0);
}

// Anchor centres in cells [A, 2] and strides [A, 1].
std::pair<at::Tensor, at::Tensor> AnchorTensors(const AnchorGrid& grid,
                                                const at::TensorOptions& options) {
  std::vector<at::Tensor> points, strides;
  for (const AnchorLevel& level : grid.levels()) {
    const at::Tensor y = at::arange(level.height, options) + 0.5,
                     x = at::arange(level.width, options) + 0.5;
    const std::vector<at::Tensor> mesh = at::meshgrid({y, x}, "ij");
    points.push_back(at::stack({mesh[1].flatten(), mesh[0].flatten()}, 1));
    strides.push_back(at::full({level.anchors(), 1}, level.stride, options));
  }
  return {at::cat(points, 0), at::cat(strides, 0)};
}

// Cross entropy of logits [F, 4, n] with the bins around distances [F, 4]; mean over sides [F].
at::Tensor DistributionTerm(const at::Tensor& logits, const at::Tensor& distances) {
  const at::Tensor target = distances.clamp(0, static_cast<double>(logits.size(2)) - 1.01);
  const at::Tensor left = target.floor(), right_weight = target - left;
  const at::Tensor log_p = at::log_softmax(logits, 2), bin = left.to(at::kLong).unsqueeze(2);
  const at::Tensor at_left = log_p.gather(2, bin).squeeze(2),
                   at_right = log_p.gather(2, bin + 1).squeeze(2);
  return -(at_left * (1 - right_weight) + at_right * right_weight).mean(1);
}

class ReferenceDetectionLoss final : public DetectionLoss {
 public:
  explicit ReferenceDetectionLoss(DetectionLossOptions options)
      : DetectionLoss(std::move(options)) {}

  LossSums ForwardBackward(const HeadMaps& maps, const BatchTargets& targets, double scale,
                           HeadMaps& gradients) override {
    return Run(maps, targets, scale, &gradients);
  }
  LossSums Forward(const HeadMaps& maps, const BatchTargets& targets) override {
    return Run(maps, targets, 0, nullptr);
  }
  void Reserve(const AnchorGrid&, std::int64_t, std::int64_t) override {}

 private:
  struct Terms {
    at::Tensor box, classification, distance, target_scores;
  };

  LossSums Run(const HeadMaps& maps, const BatchTargets& targets, double scale,
               HeadMaps* gradients);
  [[nodiscard]] Terms ImageTerms(const ImageRows& rows, const AnchorGrid& grid,
                                 std::span<const TrueBox> targets) const;
  void ScatterGradients(const HeadMaps& maps, std::int64_t image, const at::Tensor& total,
                        double scale, const ImageRows& rows, HeadMaps& gradients) const;
};

ReferenceDetectionLoss::Terms ReferenceDetectionLoss::ImageTerms(
    const ImageRows& rows, const AnchorGrid& grid, std::span<const TrueBox> targets) const {
  const DetectionLossOptions& o = options();
  const at::TensorOptions type = rows.boxes.options().requires_grad(false);
  const auto [anchors, strides] = AnchorTensors(grid, type);
  std::vector<std::int64_t> class_ids;
  std::vector<float> corners;
  for (const TrueBox& t : targets) {
    class_ids.push_back(t.class_id);
    corners.insert(corners.end(), {t.box.x1, t.box.y1, t.box.x2, t.box.y2});
  }
  const at::Tensor target_classes = at::tensor(class_ids, at::kLong).to(type.device());
  const at::Tensor target_boxes = at::tensor(corners, at::kFloat).view({-1, 4}).to(type);

  const at::Tensor logits = rows.boxes.view({-1, 4, o.reg_max});
  const at::Tensor bins = at::arange(o.reg_max, type);
  const at::Tensor distances =
      o.reg_max > 1 ? at::matmul(at::softmax(logits, 2), bins) : logits.squeeze(2);
  const at::Tensor boxes =
      at::cat({anchors - distances.slice(1, 0, 2), anchors + distances.slice(1, 2, 4)}, 1);
  const DenseAssignment assignment =
      AssignDense(o.assigner(), anchors * strides, rows.classes.detach().sigmoid(),
                  boxes.detach() * strides, target_classes, target_boxes);
  const at::Tensor &at_anchor = assignment.anchors, &weights = assignment.weights;

  at::Tensor scores = at::zeros_like(rows.classes.detach());
  scores.index_put_({at_anchor, target_classes.index({assignment.boxes})}, weights);
  const at::Tensor class_weights =
      o.class_weights.empty() ? at::Tensor() : at::tensor(o.class_weights).to(type);
  Terms terms;
  terms.classification =
      o.class_gain * at::binary_cross_entropy_with_logits(rows.classes, scores, class_weights, {},
                                                          at::Reduction::Sum);
  const at::Tensor stride = strides.index({at_anchor});
  const at::Tensor target = target_boxes.index({assignment.boxes}) / stride;
  const at::Tensor ciou = CiouReference(boxes.index({at_anchor}), target);
  terms.box = o.box_gain * ((1 - ciou) * weights).sum();
  const at::Tensor point = anchors.index({at_anchor});
  const at::Tensor wanted =
      at::cat({point - target.slice(1, 0, 2), target.slice(1, 2, 4) - point}, 1);
  at::Tensor per_anchor;
  if (o.reg_max > 1) {
    per_anchor = DistributionTerm(logits.index({at_anchor}), wanted);
  } else {
    const double w = grid.image_width(), h = grid.image_height();
    const at::Tensor side = at::tensor({w, h, w, h}, at::kDouble).to(type);
    per_anchor = ((distances.index({at_anchor}) - wanted) * stride / side).abs().mean(1);
  }
  terms.distance = o.distance_gain * (per_anchor * weights).sum();
  terms.target_scores = weights.sum();
  return terms;
}

void ReferenceDetectionLoss::ScatterGradients(const HeadMaps& maps, std::int64_t image,
                                              const at::Tensor& total, double scale,
                                              const ImageRows& rows, HeadMaps& gradients) const {
  const auto by_rows = torch::autograd::grad({total * scale}, {rows.boxes, rows.classes});
  std::int64_t first = 0;
  for (std::size_t l = 0; l < maps.boxes.size(); ++l) {
    const std::int64_t cells = maps.boxes[l].size(2) * maps.boxes[l].size(3);
    const auto write = [&](const at::Tensor& from, at::Tensor& map) {
      at::Tensor to = map[image];
      to.copy_(from.slice(0, first, first + cells).t().view_as(to));
    };
    write(by_rows[0], gradients.boxes[l]);
    write(by_rows[1], gradients.classes[l]);
    first += cells;
  }
}

LossSums ReferenceDetectionLoss::Run(const HeadMaps& maps, const BatchTargets& targets,
                                     double scale, HeadMaps* gradients) {
  const TagScope tag(MemoryTag::kLoss);
  const AnchorGrid grid = CheckedGrid(maps, targets);
  LossSums sums;
  for (std::int64_t image = 0; image < targets.images(); ++image) {
    at::AutoGradMode grad_mode(gradients != nullptr);
    ImageRows rows{RowsOf(maps.boxes, image).detach(), RowsOf(maps.classes, image).detach()};
    if (gradients != nullptr) {
      rows.boxes.requires_grad_();
      rows.classes.requires_grad_();
    }
    const Terms terms = ImageTerms(rows, grid, targets.image(image));
    sums += {.box = terms.box.item<double>(),
             .classification = terms.classification.item<double>(),
             .distance = terms.distance.item<double>(),
             .target_scores = terms.target_scores.item<double>()};
    if (gradients != nullptr) {
      ScatterGradients(maps, image, terms.box + terms.classification + terms.distance, scale, rows,
                       *gradients);
    }
  }
  return sums;
}

}  // namespace

std::unique_ptr<DetectionLoss> MakeReferenceDetectionLoss(DetectionLossOptions options) {
  return std::make_unique<ReferenceDetectionLoss>(std::move(options));
}

}  // namespace headroom
