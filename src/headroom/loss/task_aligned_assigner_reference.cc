// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/task_aligned_assigner_reference.h"

#include "headroom/loss/ciou.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <numbers>

namespace headroom {
namespace {

// Does box m's search box contain anchor a: [M, A] bool.
at::Tensor InsideSearchBoxes(const AssignerOptions& options, const at::Tensor& anchors,
                             const at::Tensor& boxes) {
  const at::Tensor low = boxes.slice(1, 0, 2), high = boxes.slice(1, 2, 4);
  const at::Tensor centre = (low + high) / 2, small = high - low < options.min_side;
  const double half = options.min_side / 2;
  const at::Tensor search_low = at::where(small, centre - half, low),
                   search_high = at::where(small, centre + half, high);
  const at::Tensor points = anchors.unsqueeze(0);
  const at::Tensor gaps =
      at::cat({points - search_low.unsqueeze(1), search_high.unsqueeze(1) - points}, 2);
  const at::Tensor valid = boxes.sum(1) > 0;
  return at::amin(gaps, {2}).gt(1e-9).logical_and(valid.unsqueeze(1));
}

// True at the k largest positive entries of every row; ties go to the lower column.
at::Tensor TopOfRows(const at::Tensor& metric, std::int64_t k) {
  const at::Tensor order = std::get<1>(at::sort(metric, /*stable=*/true, 1, /*descending=*/true));
  const at::Tensor best = order.slice(1, 0, std::min(k, metric.size(1)));
  const at::Tensor picked = at::zeros_like(metric, at::kBool).scatter_(1, best, true);
  return picked.logical_and(metric > 0);
}

}  // namespace

DenseAssignment AssignDense(const AssignerOptions& options, const at::Tensor& anchors,
                            const at::Tensor& scores, const at::Tensor& boxes,
                            const at::Tensor& target_classes, const at::Tensor& target_boxes) {
  const at::NoGradGuard no_grad;
  const at::TensorOptions index = scores.options().dtype(at::kLong);
  if (target_boxes.size(0) == 0)
    return {at::empty({0}, index), at::empty({0}, index), at::empty({0}, scores.options())};

  const at::Tensor inside = InsideSearchBoxes(options, anchors, target_boxes);
  const at::Tensor ciou = CiouReference(target_boxes.unsqueeze(1), boxes.unsqueeze(0));
  const at::Tensor overlap = at::where(inside, at::clamp_min(ciou, 0), 0.);
  const at::Tensor score = scores.t().index_select(0, target_classes);
  const at::Tensor metric =
      at::where(inside, score.pow(options.alpha) * overlap.pow(options.beta), 0.);

  // Zeros that a row's topk takes count as picks where they are inside the box.
  const at::Tensor row_top = std::get<1>(
      at::topk(metric, std::min<std::int64_t>(options.topk, metric.size(1)), 1, true, true));
  const at::Tensor zeros = at::zeros_like(metric, at::kBool)
                               .scatter_(1, row_top, true)
                               .logical_and(metric == 0)
                               .logical_and(inside);
  at::Tensor picked = TopOfRows(metric, options.topk).logical_or(zeros);
  const at::Tensor several = picked.sum(0) > 1;
  const at::Tensor winner =
      at::zeros_like(picked).scatter_(0, overlap.argmax(0, /*keepdim=*/true), true);
  picked = at::where(several.unsqueeze(0), winner, picked);
  if (options.topk2 < options.topk)
    picked = TopOfRows(at::where(picked, metric, 0.), options.topk2);

  const at::Tensor final_metric = at::where(picked, metric, 0.);
  const at::Tensor top_metric = at::amax(final_metric, {1}, /*keepdim=*/true);
  const at::Tensor top_overlap = at::amax(at::where(picked, overlap, 0.), {1}, /*keepdim=*/true);
  const at::Tensor weight = final_metric * top_overlap / (top_metric + 1e-9);
  const at::Tensor pairs = (final_metric > 0).t().nonzero();
  const at::Tensor anchor = pairs.select(1, 0), box = pairs.select(1, 1);
  return {anchor, box, weight.index({box, anchor})};
}

at::Tensor CiouReference(const at::Tensor& a, const at::Tensor& b) {
  constexpr double kEps = kCiouEpsilon<double>;
  const auto side = [](const at::Tensor& box, int i) { return box.select(-1, i); };
  const at::Tensor aw = side(a, 2) - side(a, 0), ah = side(a, 3) - side(a, 1) + kEps;
  const at::Tensor bw = side(b, 2) - side(b, 0), bh = side(b, 3) - side(b, 1) + kEps;
  const at::Tensor overlap_w =
      at::minimum(side(a, 2), side(b, 2)) - at::maximum(side(a, 0), side(b, 0));
  const at::Tensor overlap_h =
      at::minimum(side(a, 3), side(b, 3)) - at::maximum(side(a, 1), side(b, 1));
  const at::Tensor intersection = at::clamp_min(overlap_w, 0) * at::clamp_min(overlap_h, 0);
  const at::Tensor iou = intersection / (aw * ah + bw * bh - intersection + kEps);
  const at::Tensor hull_w =
      at::maximum(side(a, 2), side(b, 2)) - at::minimum(side(a, 0), side(b, 0));
  const at::Tensor hull_h =
      at::maximum(side(a, 3), side(b, 3)) - at::minimum(side(a, 1), side(b, 1));
  const at::Tensor diagonal2 = hull_w.square() + hull_h.square() + kEps;
  const at::Tensor dx = side(b, 0) + side(b, 2) - side(a, 0) - side(a, 2);
  const at::Tensor dy = side(b, 1) + side(b, 3) - side(a, 1) - side(a, 3);
  const at::Tensor distance2 = (dx.square() + dy.square()) / 4;
  const at::Tensor angle = at::atan(bw / bh) - at::atan(aw / ah);
  const at::Tensor aspect = 4 / (std::numbers::pi * std::numbers::pi) * angle.square();
  const at::Tensor aspect_weight = (aspect / (aspect - iou + (1 + kEps))).detach();
  return iou - (distance2 / diagonal2 + aspect * aspect_weight);
}

}  // namespace headroom
