// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/loss/end_to_end_loss.h"
#include "headroom/loss/loss_items.h"
#include "headroom/nn/model.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace headroom {

// Sums of both heads; a model with one head leaves the second at zero.
using HeadSums = EndToEndSums;

// The loss of a model whatever its heads: binds the outputs of a program to detection losses.
class HeadLoss {
 public:
  HeadLoss(const Model& model, const Options& options, std::vector<float> class_weights,
           at::Device device);

  // What it holds on a CPU for calls up to this size.
  [[nodiscard]] static MemoryNeed EstimateMemory(const Model& model, const Options& options,
                                                 const AnchorGrid& grid, std::int64_t images,
                                                 std::int64_t max_boxes);

  // Overwrites `grads` with the gradients of the un-normalised sums, divided by the previous
  // normalisers (previous): see BatchStep.
  HeadSums ForwardBackward(std::span<const at::Tensor> outputs, std::span<const at::Tensor> grads,
                           const BatchTargets& targets, const HeadSums& previous);
  HeadSums Forward(std::span<const at::Tensor> outputs, const BatchTargets& targets);

  // One-to-many weight of the epoch; nothing for one head.
  void StartEpoch(int epoch, int epochs);

  // The batch's loss: images * (weighted sums over normalisers).
  [[nodiscard]] double Value(const HeadSums& sums, std::int64_t images) const;
  // Sums divided by their normaliser.
  [[nodiscard]] LossItems Items(const HeadSums& sums) const;
  // Of the items: "box_loss", "cls_loss" and "dfl_loss" or "l1_loss".
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] bool two_heads() const { return two_heads_ != nullptr; }

 private:
  [[nodiscard]] HeadMaps Maps(std::span<const at::Tensor> tensors, const HeadOutputs& head) const;

  HeadOutputs many_outputs_;
  HeadOutputs one_outputs_;
  // One of the two.
  std::unique_ptr<DetectionLoss> one_head_;
  std::unique_ptr<EndToEndLoss> two_heads_;
  double weight_ = 1;  // Of the one-to-many head.
  std::vector<std::string> names_;
};

}  // namespace headroom
