// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/head_loss.h"

#include "headroom/memory/tag_scope.h"

#include <ATen/ATen.h>

#include <utility>

namespace headroom {

HeadSums& HeadSums::operator+=(const HeadSums& other) {
  one_to_many += other.one_to_many;
  one_to_one += other.one_to_one;
  return *this;
}

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

void HeadLoss::Reserve(const AnchorGrid& grid, std::int64_t images, std::int64_t max_boxes) {
  const TagScope tag(MemoryTag::kLoss);
  one_to_many_->Reserve(grid, images, max_boxes);
  if (two_heads()) one_to_one_->Reserve(grid, images, max_boxes);
}

HeadLoss::HeadLoss(const Model& model, const Options& options, std::vector<float> class_weights,
                   at::Device device)
    : many_outputs_(model.one_to_many), third_name_(model.reg_max > 1 ? "dfl_loss" : "l1_loss") {
  const DetectionLossOptions loss = LossOptions(model, options, std::move(class_weights));
  const auto make = device.is_cpu() ? MakeCpuDetectionLoss : MakeReferenceDetectionLoss;
  if (!model.one_to_one) {
    one_to_many_ = make(loss);
    return;
  }
  one_outputs_ = *model.one_to_one;
  one_to_many_ = make(OneToManyOptions(loss));
  one_to_one_ = make(OneToOneOptions(loss));
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
  HeadSums sums;
  HeadMaps many_grads = Maps(grads, many_outputs_);
  sums.one_to_many =
      one_to_many_->ForwardBackward(Maps(outputs, many_outputs_), targets,
                                    weight_ / previous.one_to_many.normaliser(), many_grads);
  if (two_heads()) {
    HeadMaps one_grads = Maps(grads, one_outputs_);
    sums.one_to_one =
        one_to_one_->ForwardBackward(Maps(outputs, one_outputs_), targets,
                                     (1 - weight_) / previous.one_to_one.normaliser(), one_grads);
  }
  return sums;
}

HeadSums HeadLoss::Forward(std::span<const at::Tensor> outputs, const BatchTargets& targets) {
  const TagScope tag(MemoryTag::kLoss);
  HeadSums sums;
  sums.one_to_many = one_to_many_->Forward(Maps(outputs, many_outputs_), targets);
  if (two_heads()) sums.one_to_one = one_to_one_->Forward(Maps(outputs, one_outputs_), targets);
  return sums;
}

double HeadLoss::Value(const HeadSums& sums, std::int64_t images) const {
  const auto value = [](const LossSums& head) { return head.sum() / head.normaliser(); };
  const double total =
      two_heads() ? weight_ * value(sums.one_to_many) + (1 - weight_) * value(sums.one_to_one)
                  : value(sums.one_to_many);
  return total * static_cast<double>(images);
}

LossItems HeadLoss::Items(const HeadSums& sums) const {
  const LossSums& head = two_heads() ? sums.one_to_one : sums.one_to_many;
  const double n = head.normaliser();
  return {head.box / n, head.classification / n, head.distance / n};
}

}  // namespace headroom
