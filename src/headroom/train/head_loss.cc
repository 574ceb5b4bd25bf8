// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/head_loss.h"

#include "headroom/memory/tag_scope.h"

#include <ATen/ATen.h>

#include <utility>

namespace headroom {
namespace {

DetectionLossOptions LossOptions(const Model& model, const Options& options,
                                 std::vector<float> class_weights) {
  return {.classes = static_cast<int>(model.options.classes),
          .reg_max = static_cast<int>(model.reg_max),
          .strides = model.strides,
          .box_gain = options.box,
          .class_gain = options.cls,
          .distance_gain = options.dfl,
          .class_weights = std::move(class_weights)};
}

}  // namespace

MemoryNeed HeadLoss::EstimateMemory(const Model& model, const Options& options,
                                    const AnchorGrid& grid, std::int64_t images,
                                    std::int64_t max_boxes) {
  const DetectionLossOptions loss = LossOptions(model, options, {});
  if (!model.one_to_one) return headroom::EstimateMemory(loss, grid, images, max_boxes);
  return headroom::EstimateMemory(OneToManyOptions(loss), grid, images, max_boxes) +
         headroom::EstimateMemory(OneToOneOptions(loss), grid, images, max_boxes);
}

HeadLoss::HeadLoss(const Model& model, const Options& options, std::vector<float> class_weights,
                   at::Device device)
    : many_outputs_(model.one_to_many),
      names_({"box_loss", "cls_loss", model.reg_max > 1 ? "dfl_loss" : "l1_loss"}) {
  const DetectionLossOptions loss = LossOptions(model, options, std::move(class_weights));
  const auto make = device.is_cpu() ? MakeCpuDetectionLoss : MakeReferenceDetectionLoss;
  if (!model.one_to_one) {
    one_head_ = make(loss);
    return;
  }
  one_outputs_ = *model.one_to_one;
  two_heads_ = std::make_unique<EndToEndLoss>(loss, make);
}

void HeadLoss::StartEpoch(int epoch, int epochs) {
  if (two_heads()) weight_ = OneToManyWeight(epoch, epochs);
}

HeadMaps HeadLoss::Maps(std::span<const at::Tensor> tensors, const HeadOutputs& head) const {
  HeadMaps maps;
  for (const std::size_t i : head.boxes) maps.boxes.push_back(tensors[i]);
  for (const std::size_t i : head.classes) maps.classes.push_back(tensors[i]);
  return maps;
}

HeadSums HeadLoss::ForwardBackward(std::span<const at::Tensor> outputs,
                                   std::span<const at::Tensor> grads, const BatchTargets& targets,
                                   const HeadSums& previous) {
  const TagScope tag(MemoryTag::kLoss);
  HeadMaps many_grads = Maps(grads, many_outputs_);
  const double many_scale = 1 / previous.one_to_many.normaliser();
  if (!two_heads()) {
    return {.one_to_many = one_head_->ForwardBackward(Maps(outputs, many_outputs_), targets,
                                                      many_scale, many_grads)};
  }
  HeadMaps one_grads = Maps(grads, one_outputs_);
  return two_heads_->ForwardBackward(Maps(outputs, many_outputs_), Maps(outputs, one_outputs_),
                                     targets, weight_, many_scale,
                                     1 / previous.one_to_one.normaliser(), many_grads, one_grads);
}

HeadSums HeadLoss::Forward(std::span<const at::Tensor> outputs, const BatchTargets& targets) {
  const TagScope tag(MemoryTag::kLoss);
  const HeadMaps many = Maps(outputs, many_outputs_);
  if (!two_heads()) return {.one_to_many = one_head_->Forward(many, targets)};
  return two_heads_->Forward(many, Maps(outputs, one_outputs_), targets);
}

double HeadLoss::Value(const HeadSums& sums, std::int64_t images) const {
  return sums.Value(weight_, images);
}

LossItems HeadLoss::Items(const HeadSums& sums) const {
  const LossSums& head = two_heads() ? sums.one_to_one : sums.one_to_many;
  const double n = head.normaliser();
  return {head.box / n, head.classification / n, head.distance / n};
}

}  // namespace headroom
