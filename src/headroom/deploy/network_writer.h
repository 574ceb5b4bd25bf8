// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/folded_convolution.h"
#include "headroom/graph/shape.h"
#include "headroom/interop/tensor_data.h"

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace headroom {

// A tensor of the network that is being written, by its name there.
using TensorName = std::string;

enum class Arithmetic : std::uint8_t { kAdd, kSubtract, kMultiply, kDivide };

// What suppression keeps of an image.
struct SuppressionRule {
  float confidence = 0.25F;
  float iou = 0.7F;
  int max_detections = 300;
};

// A format that networks are exported to: the few operations that a detector is made of. What a
// detector computes is said once, in network_export.h, and holds for every format. Maps are
// [N, C, H, W]; an operation appends to the network and returns the name of its result. Numbers are
// fp32, or fp16 up to Widen in a network of half precision.
class NetworkWriter {
 public:
  virtual ~NetworkWriter() = default;

  // RGB in [0, 1].
  virtual TensorName Input() = 0;
  virtual TensorName Convolve(const TensorName& x, FoldedConvolution convolution) = 0;
  // What follows the convolution of that block.
  virtual TensorName Activate(const TensorName& x, const ConvBnActSpec& block) = 0;
  virtual TensorName Sigmoid(const TensorName& x) = 0;
  // Stride 1, "same" padding.
  virtual TensorName MaxPool(const TensorName& x, std::int64_t kernel) = 0;
  // Nearest neighbour, factor 2.
  virtual TensorName Upsample(const TensorName& x) = 0;
  // Over the last of `rank` axes.
  virtual TensorName Softmax(const TensorName& x, int rank) = 0;
  virtual TensorName MatMul(const TensorName& a, const TensorName& b) = 0;
  // Shapes broadcast as in NumPy.
  virtual TensorName Compute(Arithmetic operation, const TensorName& a, const TensorName& b) = 0;
  // x * factor, in the precision of x.
  virtual TensorName Scale(const TensorName& x, float factor) = 0;

  virtual TensorName Concat(std::span<const TensorName> parts, int axis) = 0;
  virtual std::vector<TensorName> Split(const TensorName& x, std::span<const std::int64_t> sizes,
                                        int axis) = 0;
  virtual TensorName Transpose(const TensorName& x, std::span<const int> order) = 0;
  // 0 keeps the dimension of that position, -1 is what is left.
  virtual TensorName Reshape(const TensorName& x, std::span<const std::int64_t> shape) = 0;
  // [N, channels, H * W] or finer to the map [N, channels, H, W], with H and W those of `map`.
  virtual TensorName ReshapeToMap(const TensorName& x, std::int64_t channels, const TensorName& map,
                                  const Extent& extent) = 0;

  // To fp32 in a network of half precision, whose maps are fp16; else x itself.
  virtual TensorName Widen(const TensorName& x) = 0;
  // Integers to fp32.
  virtual TensorName ToFloat(const TensorName& x) = 0;
  // An fp32 constant, whatever the precision of the network.
  virtual TensorName Constant(TensorData value) = 0;

  // For selections inside the network. Over the last axis of [N, A, classes]: the best score and
  // its class, both [N, A].
  virtual std::pair<TensorName, TensorName> BestClass(const TensorName& scores) = 0;
  // Of [N, A], best first: values and int64 indices [N, count]; in networks of free size
  // [N, min(count, A)].
  virtual std::pair<TensorName, TensorName> TopK(const TensorName& x, std::int64_t count) = 0;
  // Rows of [N, A, columns] by indices [N, k]: [N, k, columns].
  virtual TensorName GatherRows(const TensorName& x, const TensorName& indices,
                                std::int64_t columns) = 0;
  // int64: quotient and remainder.
  virtual std::pair<TensorName, TensorName> DivideIndices(const TensorName& indices,
                                                          std::int64_t divisor) = 0;
  // 1 where x > 0, else 0; fp32.
  virtual TensorName IsPositive(const TensorName& x) = 0;
  // Non-maximum suppression of boxes [N, A, 4] (x1, y1, x2, y2) with scores [N, A]: the scores, 0
  // for the boxes that are dropped.
  virtual TensorName Suppress(const TensorName& boxes, const TensorName& scores,
                              const SuppressionRule& rule) = 0;

  // Centres of the cells of all levels in cells, [1, 2, A], and their strides in pixels, [1, 1, A],
  // computed from the sizes of the levels' maps [N, C, H, W]: for networks of free size.
  virtual std::pair<TensorName, TensorName> MeasureCells(std::span<const TensorName> maps,
                                                         std::span<const int> strides) = 0;
  // Whether a constant of one image meets maps of any number of them, so that a network of fixed
  // size takes any number of images.
  [[nodiscard]] virtual bool BroadcastsImages() const = 0;
  // Last: what the network gives, with its shape (-1: free).
  virtual void Output(const TensorName& x, std::span<const std::int64_t> shape) = 0;
};

}  // namespace headroom
