// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/operation.h"
#include "headroom/graph/parameter_store.h"
#include "headroom/ops/convolution.h"

namespace headroom {

// out = conv(x) + bias, always fp32: the head's maps.
class ConvBias : public Operation {
 public:
  ConvBias(const ConvolutionSpec& convolution, int weight, int bias)
      : convolution_(convolution), weight_(weight), bias_(bias) {}

  [[nodiscard]] std::string_view type() const override { return "conv_bias"; }
  [[nodiscard]] OperationTraits traits() const override;
  [[nodiscard]] std::vector<std::int64_t> OutputChannels() const override {
    return {convolution_.out_channels};
  }
  [[nodiscard]] Extent OutputExtent(const Extent& input) const override {
    return convolution_.OutputExtent(input);
  }
  [[nodiscard]] Element OutputElement(Element /*activation*/) const override {
    return Element::kFloat32;
  }
  [[nodiscard]] Bytes Workspace(const MapShape& input, Element activation) const override;
  [[nodiscard]] std::int64_t MultiplyAdds(const Extent& input) const override {
    return convolution_.MultiplyAdds(input);
  }
  [[nodiscard]] std::vector<int> ParameterIndices() const override { return {weight_, bias_}; }
  [[nodiscard]] const ConvolutionSpec& convolution() const { return convolution_; }
  [[nodiscard]] int weight() const { return weight_; }
  [[nodiscard]] int bias() const { return bias_; }

  void Forward(OperationCall& call) const override;
  void Backward(OperationCall& call) const override;

 private:
  const ConvolutionSpec convolution_;
  const int weight_;
  const int bias_;
};

}  // namespace headroom
