// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/operation_factory.h"

#include "headroom/ops/attention_cpu.h"
#include "headroom/ops/conv_bias_cpu.h"
#include "headroom/ops/conv_bn_act_cpu.h"
#include "headroom/ops/conv_bn_act_reference.h"
#include "headroom/ops/pixels_cpu.h"
#include "headroom/ops/pool_chain_cpu.h"
#include "headroom/ops/upsample_cpu.h"

namespace headroom {

OperationFactory::OperationFactory(OpsChoice choice, at::Device device)
    : fused_(choice == OpsChoice::kFused || (choice == OpsChoice::kAuto && device.is_cpu())) {}

std::unique_ptr<Operation> OperationFactory::MakePixels(std::int64_t channels) const {
  if (fused_) return std::make_unique<PixelsCpu>(channels);
  return std::make_unique<Pixels>(channels);
}

std::unique_ptr<Operation> OperationFactory::MakeConvBnAct(const ConvBnActSpec& spec) const {
  const bool known =
      spec.activation == Activation::kIdentity || spec.activation == Activation::kSilu;
  if (fused_ && known) return std::make_unique<ConvBnActCpu>(spec);
  return std::make_unique<ConvBnActReference>(spec);
}

std::unique_ptr<Operation> OperationFactory::MakeConvBias(const ConvolutionSpec& convolution,
                                                          int weight, int bias) const {
  if (fused_) return std::make_unique<ConvBiasCpu>(convolution, weight, bias);
  return std::make_unique<ConvBias>(convolution, weight, bias);
}

std::unique_ptr<Operation> OperationFactory::MakeUpsample(std::int64_t channels) const {
  if (fused_) return std::make_unique<UpsampleCpu>(channels);
  return std::make_unique<Upsample>(channels);
}

std::unique_ptr<Operation> OperationFactory::MakePoolChain(std::int64_t channels,
                                                           std::int64_t kernel,
                                                           std::int64_t pools) const {
  if (fused_) return std::make_unique<PoolChainCpu>(channels, kernel, pools);
  return std::make_unique<PoolChain>(channels, kernel, pools);
}

std::unique_ptr<Operation> OperationFactory::MakeAttention(std::int64_t heads, std::int64_t key_dim,
                                                           std::int64_t head_dim) const {
  if (fused_) return std::make_unique<AttentionCpu>(heads, key_dim, head_dim);
  return std::make_unique<Attention>(heads, key_dim, head_dim);
}

}  // namespace headroom
