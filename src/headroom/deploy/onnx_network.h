// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/export_options.h"
#include "headroom/deploy/network_writer.h"
#include "headroom/interop/onnx_writer.h"

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

// A network as an ONNX graph. Keeps the constants that the graph refers to.
class OnnxNetwork : public NetworkWriter {
 public:
  // opset as in ExportOptions.
  explicit OnnxNetwork(const ExportOptions& options);
  [[nodiscard]] const OnnxModel& model() const { return model_; }

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
  // OpenCV 4.6 does for factors only.
  [[nodiscard]] bool BroadcastsImages() const override { return false; }
  void Output(const TensorName& x, std::span<const std::int64_t> shape) override;

 private:
  // Appends a node; its outputs are named after it.
  std::vector<TensorName> Add(std::string_view type, std::vector<TensorName> inputs,
                              std::vector<OnnxAttribute> attributes, std::size_t outputs);
  TensorName Add(std::string_view type, std::vector<TensorName> inputs,
                 std::vector<OnnxAttribute> attributes = {}) {
    return Add(type, std::move(inputs), std::move(attributes), 1)[0];
  }
  TensorName AddConstant(const std::string& name, TensorData value);
  TensorName Ints(std::span<const std::int64_t> values);
  TensorName Int(std::int64_t value) { return Ints({&value, 1}); }
  // One fp32 or, before Widen in a network of half precision, fp16 number.
  TensorName Number(float value);
  // Weights in the network's precision.
  [[nodiscard]] TensorData InPrecision(TensorData value, const std::string& name) const;
  // The best value over the last of three axes.
  TensorName MaxOverLast(const TensorName& x);
  TensorName Cast(const TensorName& x, DataType type);

  const NetworkForm form_;
  const bool half_network_;
  OnnxModel model_;
  std::deque<TensorData> constants_;
  std::map<std::string, int> counters_;  // By node type.
  std::map<std::vector<std::int64_t>, TensorName> ints_;
  bool half_;  // What is being written now is fp16.
};

}  // namespace headroom
