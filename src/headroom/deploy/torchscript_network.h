// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/export_options.h"
#include "headroom/deploy/network_writer.h"

#include <torch/script.h>

#include <string>
#include <vector>

namespace headroom {

// A network as a TorchScript module: the text of its forward, and its weights as parameters.
class TorchScriptNetwork : public NetworkWriter {
 public:
  explicit TorchScriptNetwork(const ExportOptions& options);
  // Compiles the text; once, after Output.
  [[nodiscard]] torch::jit::Module Finish();

  TensorName Input() override;
  TensorName Convolve(const TensorName& x, FoldedConvolution convolution) override;
  TensorName Activate(const TensorName& x, const ConvBnActSpec& block) override;
  TensorName Sigmoid(const TensorName& x) override;
  TensorName MaxPool(const TensorName& x, std::int64_t kernel) override;
  TensorName Upsample(const TensorName& x) override;
  TensorName Softmax(const TensorName& x, int rank) override;
  TensorName MatMul(const TensorName& a, const TensorName& b) override;
  TensorName Compute(Arithmetic operation, const TensorName& a, const TensorName& b) override;
  TensorName Scale(const TensorName& x, float factor) override;
  TensorName Concat(std::span<const TensorName> parts, int axis) override;
  std::vector<TensorName> Split(const TensorName& x, std::span<const std::int64_t> sizes,
                                int axis) override;
  TensorName Transpose(const TensorName& x, std::span<const int> order) override;
  TensorName Reshape(const TensorName& x, std::span<const std::int64_t> shape) override;
  TensorName ReshapeToMap(const TensorName& x, std::int64_t channels, const TensorName& map,
                          const Extent& extent) override;
  TensorName Widen(const TensorName& x) override;
  TensorName ToFloat(const TensorName& x) override;
  TensorName Constant(TensorData value) override;
  std::pair<TensorName, TensorName> BestClass(const TensorName& scores) override;
  std::pair<TensorName, TensorName> TopK(const TensorName& x, std::int64_t count) override;
  TensorName GatherRows(const TensorName& x, const TensorName& indices,
                        std::int64_t columns) override;
  std::pair<TensorName, TensorName> DivideIndices(const TensorName& indices,
                                                  std::int64_t divisor) override;
  TensorName IsPositive(const TensorName& x) override;
  TensorName Suppress(const TensorName& boxes, const TensorName& scores,
                      const SuppressionRule& rule) override;
  std::pair<TensorName, TensorName> MeasureCells(std::span<const TensorName> maps,
                                                 std::span<const int> strides) override;
  [[nodiscard]] bool BroadcastsImages() const override { return true; }
  void Output(const TensorName& x, std::span<const std::int64_t> shape) override;

 private:
  // Appends `name = expression` and returns the name.
  TensorName Assign(const std::string& expression);
  std::pair<TensorName, TensorName> AssignTwo(const std::string& expression);
  [[nodiscard]] TensorName NewName();
  TensorName AddWeights(const TensorData& value, const std::string& name, const char* kind);

  const bool half_;
  torch::jit::Module module_;
  std::string text_;
  int names_ = 0;
  int convolutions_ = 0;
  int constants_ = 0;
};

}  // namespace headroom
