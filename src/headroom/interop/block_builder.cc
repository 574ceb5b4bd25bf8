// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/block_builder.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace headroom {
namespace {

constexpr std::string_view kBlocks = "ultralytics.nn.modules.block";
constexpr std::string_view kConvs = "ultralytics.nn.modules.conv";

ModuleDescription Make(std::string_view module, std::string_view name) {
  ModuleDescription description;
  description.module = module;
  description.name = name;
  return description;
}

// The Bottlenecks, C3ks, ... of `<prefix>m.`: counted by the tensors that are there.
std::string Inner(const std::string& prefix, std::size_t index) {
  return fmt::format("{}m.{}.", prefix, index);
}

}  // namespace

const TensorData& BlockBuilder::Tensor(const std::string& name) const {
  const auto at = tensors_.find(name);
  HEADROOM_CHECK(at != tensors_.end(), fmt::format("the network has no tensor {}", name));
  return *at->second;
}

std::int64_t BlockBuilder::Width(const std::string& prefix) const {
  return Tensor(prefix + "conv.weight").shape()[0];
}

ModuleDescription BlockBuilder::Container(std::string_view name) {
  return Make("torch.nn.modules.container", name);
}

ModuleDescription BlockBuilder::Conv2d(const std::string& prefix, std::int64_t stride,
                                       std::int64_t groups) const {
  const TensorData& weight = Tensor(prefix + "weight");
  HEADROOM_CHECK(weight.shape().size() == 4,
                 fmt::format("{}weight is not a convolution's", prefix));
  const std::int64_t kernel = weight.shape()[2];
  const std::int64_t pad = kernel / 2;
  const auto pair = [this](std::int64_t value) { return heap_.IntTuple(std::array{value, value}); };
  ModuleDescription conv = Make("torch.nn.modules.conv", "Conv2d");
  conv.parameters = {{"weight", &weight},
                     {"bias", Has(prefix + "bias") ? &Tensor(prefix + "bias") : nullptr}};
  conv.fields = {
      {"in_channels", heap_.Int(weight.shape()[1] * groups)},
      {"out_channels", heap_.Int(weight.shape()[0])},
      {"kernel_size", pair(kernel)},
      {"stride", pair(stride)},
      {"padding", pair(pad)},
      {"dilation", pair(1)},
      {"transposed", heap_.Bool(false)},
      {"output_padding", pair(0)},
      {"groups", heap_.Int(groups)},
      {"padding_mode", heap_.Text("zeros")},
      {"_reversed_padding_repeated_twice", heap_.IntTuple(std::array{pad, pad, pad, pad})}};
  return conv;
}

ModuleDescription BlockBuilder::BatchNorm(const std::string& prefix) const {
  ModuleDescription norm = Make("torch.nn.modules.batchnorm", "BatchNorm2d");
  norm.parameters = {{"weight", &Tensor(prefix + "weight")}, {"bias", &Tensor(prefix + "bias")}};
  for (const char* name : {"running_mean", "running_var", "num_batches_tracked"}) {
    norm.buffers.emplace_back(name, &Tensor(prefix + name));
  }
  norm.fields = {{"num_features", heap_.Int(norm.parameters[0].second->count())},
                 {"eps", heap_.Float(1e-3)},
                 {"momentum", heap_.Float(0.03)},
                 {"affine", heap_.Bool(true)},
                 {"track_running_stats", heap_.Bool(true)}};
  return norm;
}

ModuleDescription BlockBuilder::Conv(const std::string& prefix, Activation act, std::int64_t stride,
                                     std::int64_t groups) const {
  ModuleDescription silu = Make("torch.nn.modules.activation", "SiLU");
  silu.fields = {{"inplace", heap_.Bool(true)}};
  ModuleDescription conv = Make(kConvs, "Conv");
  conv.children = {
      {"conv", Conv2d(prefix + "conv.", stride, groups)},
      {"bn", BatchNorm(prefix + "bn.")},
      {"act", act == Activation::kSilu ? silu : Make("torch.nn.modules.linear", "Identity")}};
  return conv;
}

ModuleDescription BlockBuilder::DwConv(const std::string& prefix, std::int64_t stride) const {
  ModuleDescription conv = Conv(prefix, Activation::kSilu, stride, Width(prefix));
  conv.name = "DWConv";
  return conv;
}

ModuleDescription BlockBuilder::Bottleneck(const std::string& prefix, bool adds) const {
  ModuleDescription block = Make(kBlocks, "Bottleneck");
  block.children = {{"cv1", Conv(prefix + "cv1.")}, {"cv2", Conv(prefix + "cv2.")}};
  block.fields = {{"add", heap_.Bool(adds)}};
  return block;
}

ModuleDescription BlockBuilder::C3(const std::string& prefix, std::string_view name,
                                   bool adds) const {
  ModuleDescription inner = Container("Sequential");
  for (std::size_t i = 0; Has(Inner(prefix, i) + "cv1.conv.weight"); ++i) {
    inner.children.emplace_back(std::to_string(i), Bottleneck(Inner(prefix, i), adds));
  }
  ModuleDescription block = Make(kBlocks, name);
  block.children = {{"cv1", Conv(prefix + "cv1.")},
                    {"cv2", Conv(prefix + "cv2.")},
                    {"cv3", Conv(prefix + "cv3.")},
                    {"m", std::move(inner)}};
  return block;
}

ModuleDescription BlockBuilder::C2f(const std::string& prefix, bool adds) const {
  ModuleDescription inner = Container("ModuleList");
  const std::int64_t width = Width(prefix + "cv1.") / 2;
  for (std::size_t i = 0;; ++i) {
    ModuleDescription block = InnerC3k2(Inner(prefix, i), adds, width);
    if (block.name.empty()) break;
    inner.children.emplace_back(std::to_string(i), std::move(block));
  }
  ModuleDescription block = Make(kBlocks, "C2f");
  block.children = {
      {"cv1", Conv(prefix + "cv1.")}, {"cv2", Conv(prefix + "cv2.")}, {"m", std::move(inner)}};
  block.fields = {{"c", heap_.Int(width)}};
  return block;
}

ModuleDescription BlockBuilder::C3k2(const std::string& prefix, bool adds) const {
  ModuleDescription block = C2f(prefix, adds);
  block.name = "C3k2";
  return block;
}

// Without a name when there is no such block.
ModuleDescription BlockBuilder::InnerC3k2(const std::string& prefix, bool adds,
                                          std::int64_t width) const {
  if (Has(prefix + "cv3.conv.weight")) return C3(prefix, "C3k", adds);
  if (Has(prefix + "cv1.conv.weight")) return Bottleneck(prefix, adds);
  if (!Has(prefix + "0.cv1.conv.weight")) return {};
  ModuleDescription pair = Container("Sequential");
  pair.children = {{"0", Bottleneck(prefix + "0.", adds)},
                   {"1", PsaBlock(prefix + "1.", std::max<std::int64_t>(width / 64, 1))}};
  return pair;
}

ModuleDescription BlockBuilder::Sppf(const std::string& prefix, std::int64_t kernel,
                                     std::int64_t pools, bool adds, Activation first) const {
  ModuleDescription pool = Make("torch.nn.modules.pooling", "MaxPool2d");
  pool.fields = {{"kernel_size", heap_.Int(kernel)},    {"stride", heap_.Int(1)},
                 {"padding", heap_.Int(kernel / 2)},    {"dilation", heap_.Int(1)},
                 {"return_indices", heap_.Bool(false)}, {"ceil_mode", heap_.Bool(false)}};
  ModuleDescription block = Make(kBlocks, "SPPF");
  block.children = {{"cv1", Conv(prefix + "cv1.", first)},
                    {"cv2", Conv(prefix + "cv2.")},
                    {"m", std::move(pool)}};
  block.fields = {{"n", heap_.Int(pools)}, {"add", heap_.Bool(adds)}};
  return block;
}

// Vaswani et al. 2017 with keys of half the heads' width and a depth-wise positional encoding.
ModuleDescription BlockBuilder::Attention(const std::string& prefix, std::int64_t heads) const {
  const std::int64_t head_width = Width(prefix + "proj.") / heads;
  const std::int64_t key_width = head_width / 2;
  ModuleDescription block = Make(kBlocks, "Attention");
  block.children = {{"qkv", Conv(prefix + "qkv.", Activation::kNone)},
                    {"proj", Conv(prefix + "proj.", Activation::kNone)},
                    {"pe", Conv(prefix + "pe.", Activation::kNone, 1, Width(prefix + "pe."))}};
  block.fields = {{"num_heads", heap_.Int(heads)},
                  {"head_dim", heap_.Int(head_width)},
                  {"key_dim", heap_.Int(key_width)},
                  {"scale", heap_.Float(std::pow(static_cast<double>(key_width), -0.5))}};
  return block;
}

ModuleDescription BlockBuilder::PsaBlock(const std::string& prefix, std::int64_t heads) const {
  ModuleDescription feed_forward = Container("Sequential");
  feed_forward.children = {{"0", Conv(prefix + "ffn.0.")},
                           {"1", Conv(prefix + "ffn.1.", Activation::kNone)}};
  ModuleDescription block = Make(kBlocks, "PSABlock");
  block.children = {{"attn", Attention(prefix + "attn.", heads)}, {"ffn", std::move(feed_forward)}};
  block.fields = {{"add", heap_.Bool(true)}};
  return block;
}

ModuleDescription BlockBuilder::C2psa(const std::string& prefix) const {
  const std::int64_t width = Width(prefix + "cv1.") / 2;
  ModuleDescription inner = Container("Sequential");
  for (std::size_t i = 0; Has(Inner(prefix, i) + "attn.qkv.conv.weight"); ++i) {
    inner.children.emplace_back(std::to_string(i),
                                PsaBlock(Inner(prefix, i), std::max<std::int64_t>(width / 64, 1)));
  }
  ModuleDescription block = Make(kBlocks, "C2PSA");
  block.children = {
      {"cv1", Conv(prefix + "cv1.")}, {"cv2", Conv(prefix + "cv2.")}, {"m", std::move(inner)}};
  block.fields = {{"c", heap_.Int(width)}};
  return block;
}

}  // namespace headroom
