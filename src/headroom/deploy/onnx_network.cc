// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/onnx_network.h"

#include "headroom/core/check.h"
#include "headroom/core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace headroom {
namespace {

using Ints64 = std::vector<std::int64_t>;
constexpr std::array<std::int64_t, 2> kBoth = {1, 1};

const char* TypeOf(Arithmetic operation) {
  switch (operation) {
    case Arithmetic::kAdd:
      return "Add";
    case Arithmetic::kSubtract:
      return "Sub";
    case Arithmetic::kMultiply:
      return "Mul";
    case Arithmetic::kDivide:
      return "Div";
  }
  return "";
}

// TensorProto.DataType of a Cast.
constexpr std::int64_t kOnnxFloat = 1;
constexpr std::int64_t kOnnxFloat16 = 10;

// One free dimension's name by its place in [N, C, H, W] or [N, A, ...].
OnnxValue FreeValue(const std::string& name, std::span<const std::int64_t> shape,
                    std::span<const char* const> names) {
  OnnxValue value{.name = name, .type = DataType::kFloat32, .shape = {}};
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0) {
      value.shape.emplace_back(shape[i]);
    } else {
      value.shape.emplace_back(std::string(names[i]));
    }
  }
  return value;
}

}  // namespace

OnnxNetwork::OnnxNetwork(const ExportOptions& options)
    : form_(options.form),
      half_network_(options.precision == ExportPrecision::kFloat16),
      half_(half_network_) {
  model_.opset = options.opset;
  model_.ir_version = options.opset <= 12 ? 7 : options.opset <= 18 ? 8 : 9;
  model_.producer_version = options.version;
}

std::vector<TensorName> OnnxNetwork::Add(std::string_view type, std::vector<TensorName> inputs,
                                         std::vector<OnnxAttribute> attributes,
                                         std::size_t outputs) {
  OnnxNode node{.op_type = std::string(type),
                .name = fmt::format("{}_{}", type, counters_[std::string(type)]++),
                .inputs = std::move(inputs),
                .outputs = {},
                .attributes = std::move(attributes)};
  for (std::size_t i = 0; i < outputs; ++i)
    node.outputs.push_back(fmt::format("{}_output_{}", node.name, i));
  model_.nodes.push_back(std::move(node));
  return model_.nodes.back().outputs;
}

TensorName OnnxNetwork::AddConstant(const std::string& name, TensorData value) {
  constants_.push_back(std::move(value));
  model_.initializers.emplace_back(name, &constants_.back());
  return name;
}

TensorName OnnxNetwork::Ints(std::span<const std::int64_t> values) {
  const Ints64 key(values.begin(), values.end());
  const auto found = ints_.find(key);
  if (found != ints_.end()) return found->second;
  const TensorName name =
      AddConstant(fmt::format("ints_{}", ints_.size()),
                  TensorData::FromInts({static_cast<std::int64_t>(key.size())}, key));
  return ints_.emplace(key, name).first->second;
}

TensorName OnnxNetwork::Constant(TensorData value) {
  return AddConstant(fmt::format("constant_{}", constants_.size()), std::move(value));
}

TensorName OnnxNetwork::Number(float value) {
  TensorData number = TensorData::FromFloats({1}, {&value, 1});
  return Constant(half_ ? ConvertTo(number, DataType::kFloat16) : std::move(number));
}

TensorData OnnxNetwork::InPrecision(TensorData value, const std::string& name) const {
  if (!half_network_) return value;
  if (OverflowsHalf(value)) {
    throw ConfigError(fmt::format(
        "{} has values above 65504, which fp16 cannot hold; export without quantize=16", name));
  }
  return ConvertTo(value, DataType::kFloat16);
}

TensorName OnnxNetwork::Cast(const TensorName& x, DataType type) {
  return Add("Cast", {x}, {{"to", type == DataType::kFloat16 ? kOnnxFloat16 : kOnnxFloat}});
}

TensorName OnnxNetwork::Input() {
  constexpr std::array<const char*, 4> kNames = {"batch", "channels", "height", "width"};
  const std::int64_t free = -1;
  const Extent& extent = form_.extent;
  const Ints64 shape = form_.dynamic ? Ints64{free, 3, free, free}
                                     : Ints64{form_.images, 3, extent.height, extent.width};
  model_.inputs.push_back(FreeValue("images", shape, kNames));
  return half_network_ ? Cast("images", DataType::kFloat16) : TensorName("images");
}

TensorName OnnxNetwork::Convolve(const TensorName& x, FoldedConvolution convolution) {
  const ConvolutionSpec& spec = convolution.spec;
  const std::int64_t pad = spec.padding();
  const TensorName weight =
      AddConstant(convolution.name + ".weight",
                  InPrecision(std::move(convolution.weight), convolution.name + ".weight"));
  const TensorName bias =
      AddConstant(convolution.name + ".bias",
                  InPrecision(std::move(convolution.bias), convolution.name + ".bias"));
  return Add("Conv", {x, weight, bias},
             {{"dilations", Ints64{spec.dilation, spec.dilation}},
              {"group", spec.groups},
              {"kernel_shape", Ints64{spec.kernel, spec.kernel}},
              {"pads", Ints64{pad, pad, pad, pad}},
              {"strides", Ints64{spec.stride, spec.stride}}});
}

TensorName OnnxNetwork::Activate(const TensorName& x, const ConvBnActSpec& block) {
  switch (block.activation) {
    case Activation::kIdentity:
      return x;
    case Activation::kSilu:
      return Add("Mul", {x, Sigmoid(x)});
    case Activation::kRelu:
      return Add("Relu", {x});
    case Activation::kLeakyRelu:
      return Add("LeakyRelu", {x}, {{"alpha", static_cast<float>(block.negative_slope)}});
    case Activation::kHardswish:  // An operation of its own only from opset 14 on.
      return Add("Mul", {x, Add("HardSigmoid", {x}, {{"alpha", 1.0F / 6}, {"beta", 0.5F}})});
  }
  return x;
}

TensorName OnnxNetwork::Sigmoid(const TensorName& x) { return Add("Sigmoid", {x}); }

TensorName OnnxNetwork::MaxPool(const TensorName& x, std::int64_t kernel) {
  const std::int64_t pad = kernel / 2;
  return Add("MaxPool", {x},
             {{"kernel_shape", Ints64{kernel, kernel}},
              {"pads", Ints64{pad, pad, pad, pad}},
              {"strides", Ints64{1, 1}}});
}

// Opset 12 wants the region of interest, whose value does not matter here.
TensorName OnnxNetwork::Upsample(const TensorName& x) {
  constexpr std::array kScales = {1.0F, 1.0F, 2.0F, 2.0F};
  constexpr std::array kRegion = {0.0F, 0.0F, 0.0F, 0.0F, 1.0F, 1.0F, 1.0F, 1.0F};
  if (counters_["Resize"] == 0) {
    AddConstant("upsample_scales", TensorData::FromFloats({4}, kScales));
    if (model_.opset < 13) AddConstant("upsample_region", TensorData::FromFloats({8}, kRegion));
  }
  return Add("Resize", {x, model_.opset < 13 ? "upsample_region" : "", "upsample_scales"},
             {{"coordinate_transformation_mode", std::string("asymmetric")},
              {"mode", std::string("nearest")},
              {"nearest_mode", std::string("floor")}});
}

TensorName OnnxNetwork::Softmax(const TensorName& x, int rank) {
  return Add("Softmax", {x}, {{"axis", std::int64_t{rank} - 1}});
}

TensorName OnnxNetwork::MatMul(const TensorName& a, const TensorName& b) {
  return Add("MatMul", {a, b});
}

TensorName OnnxNetwork::Compute(Arithmetic operation, const TensorName& a, const TensorName& b) {
  return Add(TypeOf(operation), {a, b});
}

TensorName OnnxNetwork::Scale(const TensorName& x, float factor) {
  return Add("Mul", {x, Number(factor)});
}

TensorName OnnxNetwork::Concat(std::span<const TensorName> parts, int axis) {
  return Add("Concat", {parts.begin(), parts.end()}, {{"axis", std::int64_t{axis}}});
}

// Sizes are an attribute up to opset 12, an input from 13 on.
std::vector<TensorName> OnnxNetwork::Split(const TensorName& x, std::span<const std::int64_t> sizes,
                                           int axis) {
  const OnnxAttribute along{"axis", std::int64_t{axis}};
  if (model_.opset >= 13) return Add("Split", {x, Ints(sizes)}, {along}, sizes.size());
  return Add("Split", {x}, {along, {"split", Ints64(sizes.begin(), sizes.end())}}, sizes.size());
}

TensorName OnnxNetwork::Transpose(const TensorName& x, std::span<const int> order) {
  return Add("Transpose", {x}, {{"perm", Ints64(order.begin(), order.end())}});
}

TensorName OnnxNetwork::Reshape(const TensorName& x, std::span<const std::int64_t> shape) {
  return Add("Reshape", {x, Ints(shape)});
}

TensorName OnnxNetwork::ReshapeToMap(const TensorName& x, std::int64_t channels,
                                     const TensorName& map, const Extent& extent) {
  if (!form_.dynamic) return Reshape(x, Ints64{0, channels, extent.height, extent.width});
  const TensorName sides = Add("Slice", {Add("Shape", {map}), Int(2), Int(4)});
  return Add("Reshape", {x, Concat(std::array{Int(0), Int(channels), sides}, 0)});
}

TensorName OnnxNetwork::Widen(const TensorName& x) {
  half_ = false;
  return half_network_ ? Cast(x, DataType::kFloat32) : x;
}

TensorName OnnxNetwork::ToFloat(const TensorName& x) { return Cast(x, DataType::kFloat32); }

// Axes are an attribute up to opset 17, an input from 18 on.
TensorName OnnxNetwork::MaxOverLast(const TensorName& x) {
  const OnnxAttribute drop{"keepdims", std::int64_t{0}};
  if (model_.opset >= 18) return Add("ReduceMax", {x, Int(2)}, {drop});
  return Add("ReduceMax", {x}, {{"axes", Ints64{2}}, drop});
}

std::pair<TensorName, TensorName> OnnxNetwork::BestClass(const TensorName& scores) {
  const TensorName best = MaxOverLast(scores);
  return {best,
          Add("ArgMax", {scores}, {{"axis", std::int64_t{2}}, {"keepdims", std::int64_t{0}}})};
}

std::pair<TensorName, TensorName> OnnxNetwork::TopK(const TensorName& x, std::int64_t count) {
  TensorName k = Int(count);
  if (form_.dynamic) k = Add("Min", {Add("Slice", {Add("Shape", {x}), Int(1), Int(2)}), k});
  const std::vector<TensorName> both = Add("TopK", {x, k}, {{"axis", std::int64_t{1}}}, 2);
  return {both[0], both[1]};
}

TensorName OnnxNetwork::GatherRows(const TensorName& x, const TensorName& indices,
                                   std::int64_t columns) {
  const TensorName column = Reshape(indices, Ints64{0, -1, 1});
  return Add("GatherElements", {x, Add("Expand", {column, Ints(Ints64{1, 1, columns})})},
             {{"axis", std::int64_t{1}}});
}

std::pair<TensorName, TensorName> OnnxNetwork::DivideIndices(const TensorName& indices,
                                                             std::int64_t divisor) {
  const TensorName quotient = Add("Div", {indices, Int(divisor)});
  return {quotient, Add("Sub", {indices, Add("Mul", {quotient, Int(divisor)})})};
}

TensorName OnnxNetwork::IsPositive(const TensorName& x) {
  return ToFloat(Add("Greater", {x, Number(0)}));
}

TensorName OnnxNetwork::Suppress(const TensorName& boxes, const TensorName& scores,
                                 const SuppressionRule& rule) {
  // Rows (image, 0, anchor) of what is kept.
  const TensorName kept =
      Add("NonMaxSuppression", {boxes, Reshape(scores, Ints64{0, 1, -1}), Int(rule.max_detections),
                                Number(rule.iou), Number(rule.confidence)});
  const TensorName places = Add("Gather", {kept, Ints(Ints64{0, 2})}, {{"axis", std::int64_t{1}}});
  return Add("ScatterND", {Scale(scores, 0), places, Add("GatherND", {scores, places})});
}

std::pair<TensorName, TensorName> OnnxNetwork::MeasureCells(std::span<const TensorName> maps,
                                                            std::span<const int> strides) {
  const TensorName one = Constant(TensorData::FromFloats({1}, std::array{1.0F}));
  const TensorName half_cell = Number(0.5F);
  const auto flat = [&](const TensorName& x) { return Reshape(x, Ints64{1, 1, -1}); };
  std::vector<TensorName> x, y, stride;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const TensorName sides = Add("Slice", {Add("Shape", {maps[i]}), Int(2), Int(4)});
    const TensorName ones = Add("Expand", {one, Concat(std::array{Ints(kBoth), sides}, 0)});
    const auto centres = [&](std::int64_t axis) {
      const TensorName along = Constant(TensorData::FromInts({}, {&axis, 1}));
      return flat(Add("Sub", {Add("CumSum", {ones, along}), half_cell}));
    };
    x.push_back(centres(3));
    y.push_back(centres(2));
    stride.push_back(flat(Scale(ones, static_cast<float>(strides[i]))));
  }
  const TensorName centres = Concat(std::array{Concat(x, 2), Concat(y, 2)}, 1);
  return {centres, Concat(stride, 2)};
}

void OnnxNetwork::Output(const TensorName& x, std::span<const std::int64_t> shape) {
  constexpr std::array<const char*, 3> kPredictionNames = {"batch", "channels", "anchors"};
  constexpr std::array<const char*, 3> kRowNames = {"batch", "detections", "columns"};
  OnnxNode& last = model_.nodes.back();
  HEADROOM_CHECK(last.outputs[0] == x, "the output is not the last value");
  last.outputs[0] = "output0";
  model_.outputs.push_back(FreeValue(
      "output0", shape, form_.output == ExportOutput::kPredictions ? kPredictionNames : kRowNames));
}

}  // namespace headroom
