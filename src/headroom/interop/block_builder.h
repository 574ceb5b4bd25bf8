// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/interop/module_description.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace headroom {

enum class Activation : std::uint8_t { kSilu, kNone };

// Describes the blocks of Ultralytics' networks, as its checkpoints hold them. Widths, kernels and
// the number of repeats come from the tensors below a name prefix ("model.2."), so a head of
// another width needs nothing special. A missing tensor is an InternalError that names it.
class BlockBuilder {
 public:
  BlockBuilder(PickleHeap& heap, const TensorsByName& tensors) : heap_(heap), tensors_(tensors) {}

  // Square kernels with "same" padding; batch-norm of eps 1e-3 and momentum 0.03.
  [[nodiscard]] ModuleDescription Conv(const std::string& prefix,
                                       Activation act = Activation::kSilu, std::int64_t stride = 1,
                                       std::int64_t groups = 1) const;
  // One group a channel; for layers whose input is as wide as their output.
  [[nodiscard]] ModuleDescription DwConv(const std::string& prefix, std::int64_t stride = 1) const;
  // A bare convolution, with or without bias.
  [[nodiscard]] ModuleDescription Conv2d(const std::string& prefix, std::int64_t stride = 1,
                                         std::int64_t groups = 1) const;
  [[nodiscard]] ModuleDescription Bottleneck(const std::string& prefix, bool adds) const;
  [[nodiscard]] ModuleDescription C3(const std::string& prefix, std::string_view name,
                                     bool adds) const;
  [[nodiscard]] ModuleDescription C2f(const std::string& prefix, bool adds) const;
  // The inner blocks are C3k, Bottleneck, or Bottleneck and PSABlock: the names of the tensors
  // tell.
  [[nodiscard]] ModuleDescription C3k2(const std::string& prefix, bool adds) const;
  [[nodiscard]] ModuleDescription Sppf(const std::string& prefix, std::int64_t kernel,
                                       std::int64_t pools, bool adds, Activation first) const;
  [[nodiscard]] ModuleDescription C2psa(const std::string& prefix) const;
  [[nodiscard]] ModuleDescription PsaBlock(const std::string& prefix, std::int64_t heads) const;

  [[nodiscard]] static ModuleDescription Container(std::string_view name);
  [[nodiscard]] const TensorData& Tensor(const std::string& name) const;
  [[nodiscard]] bool Has(const std::string& name) const { return tensors_.contains(name); }
  // Size of dimension 0 of `<prefix>conv.weight`.
  [[nodiscard]] std::int64_t Width(const std::string& prefix) const;
  [[nodiscard]] PickleHeap& heap() const { return heap_; }

 private:
  [[nodiscard]] ModuleDescription BatchNorm(const std::string& prefix) const;
  [[nodiscard]] ModuleDescription Attention(const std::string& prefix, std::int64_t heads) const;
  [[nodiscard]] ModuleDescription InnerC3k2(const std::string& prefix, bool adds,
                                            std::int64_t width) const;

  PickleHeap& heap_;
  const TensorsByName& tensors_;
};

}  // namespace headroom
