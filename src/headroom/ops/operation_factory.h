// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/graph/operation.h"
#include "headroom/ops/conv_bn_act.h"
#include "headroom/ops/convolution.h"

#include <cstdint>
#include <memory>
#include <string_view>

namespace headroom {

// Which implementations run: `ops=` of the command line.
enum class OpsChoice : std::uint8_t {
  kReference,  // Plain ATen operations, every device.
  kFused,      // The vectorised CPU passes.
  kAuto,       // Fused on a CPU, reference elsewhere.
};

// Makes the operations of a model; models, loss and trainer do not know which implementation runs.
class OperationFactory {
 public:
  OperationFactory(OpsChoice choice, at::Device device);

  [[nodiscard]] std::unique_ptr<Operation> MakePixels(std::int64_t channels) const;
  [[nodiscard]] std::unique_ptr<Operation> MakeConvBnAct(const ConvBnActSpec& spec) const;
  [[nodiscard]] std::unique_ptr<Operation> MakeConvBias(const ConvolutionSpec& convolution,
                                                        int weight, int bias) const;
  [[nodiscard]] std::unique_ptr<Operation> MakeUpsample(std::int64_t channels) const;
  [[nodiscard]] std::unique_ptr<Operation> MakePoolChain(std::int64_t channels, std::int64_t kernel,
                                                         std::int64_t pools) const;
  [[nodiscard]] std::unique_ptr<Operation> MakeAttention(std::int64_t heads, std::int64_t key_dim,
                                                         std::int64_t head_dim) const;

  [[nodiscard]] bool fused() const { return fused_; }

 private:
  bool fused_;
};

}  // namespace headroom
