// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/torchscript_network.h"

#include "headroom/core/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace headroom {
namespace {

const char* SignOf(Arithmetic operation) {
  switch (operation) {
    case Arithmetic::kAdd:
      return "+";
    case Arithmetic::kSubtract:
      return "-";
    case Arithmetic::kMultiply:
      return "*";
    case Arithmetic::kDivide:
      return "/";
  }
  return "";
}

// Element types are numbers in this text: 6 is float, 11 is bool (c10::ScalarType).
static_assert(static_cast<int>(at::kFloat) == 6 && static_cast<int>(at::kBool) == 11);

// Greedy suppression, one image after the other: the scores of kept boxes, 0 for the others.
constexpr const char* kSuppress = R"(
def suppress(self, boxes: Tensor, scores: Tensor, confidence: float, iou: float, most: int) -> Tensor:
    kept = torch.zeros_like(scores)
    for image in range(scores.size(0)):
        order = torch.argsort(scores[image], descending=True, stable=True)
        order = order[scores[image][order] > confidence]
        box = boxes[image][order]
        area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
        free = torch.ones([box.size(0)], dtype=11, device=box.device)
        count = 0
        for i in range(box.size(0)):
            if count < most and bool(free[i]):
                kept[image, order[i]] = scores[image, order[i]]
                count += 1
                first = torch.maximum(box[i, :2], box[:, :2])
                size = (torch.minimum(box[i, 2:], box[:, 2:]) - first).clamp(min=0)
                shared = size[:, 0] * size[:, 1]
                free = free & (shared / (area[i] + area - shared + 1e-7) <= iou)
    return kept
)";

at::Tensor ToTensor(const TensorData& value) {
  const auto type = value.type() == DataType::kFloat16 ? at::kHalf : at::kFloat;
  at::Tensor tensor = at::empty(value.shape(), type);
  std::copy(value.bytes().begin(), value.bytes().end(),
            static_cast<std::byte*>(tensor.mutable_data_ptr()));
  return tensor;
}

}  // namespace

TorchScriptNetwork::TorchScriptNetwork(const ExportOptions& options)
    : half_(options.precision == ExportPrecision::kFloat16),
      module_("__torch__.headroom.Detector"),
      text_("def forward(self, images: Tensor) -> Tensor:\n") {
  module_.register_attribute("training", c10::BoolType::get(), false);
}

TensorName TorchScriptNetwork::NewName() { return fmt::format("v{}", names_++); }

TensorName TorchScriptNetwork::Assign(const std::string& expression) {
  TensorName name = NewName();
  text_ += fmt::format("    {} = {}\n", name, expression);
  return name;
}

std::pair<TensorName, TensorName> TorchScriptNetwork::AssignTwo(const std::string& expression) {
  const std::pair<TensorName, TensorName> names = {NewName(), NewName()};
  text_ += fmt::format("    {}, {} = {}\n", names.first, names.second, expression);
  return names;
}

TensorName TorchScriptNetwork::AddWeights(const TensorData& value, const std::string& name,
                                          const char* kind) {
  if (half_ && OverflowsHalf(value)) {
    throw ConfigError(fmt::format(
        "{} has values above 65504, which fp16 cannot hold; export without quantize=16", name));
  }
  const std::string member = fmt::format("{}{}", kind, convolutions_);
  module_.register_parameter(
      member, half_ ? ToTensor(ConvertTo(value, DataType::kFloat16)) : ToTensor(value), false);
  return "self." + member;
}

// The type is the weights' own, so that a loader may convert the module as a whole.
TensorName TorchScriptNetwork::Input() { return Assign("images.to(self.weight0.dtype)"); }

TensorName TorchScriptNetwork::Convolve(const TensorName& x, FoldedConvolution convolution) {
  const TensorName weight = AddWeights(convolution.weight, convolution.name, "weight");
  const TensorName bias = AddWeights(convolution.bias, convolution.name, "bias");
  ++convolutions_;
  const ConvolutionSpec& spec = convolution.spec;
  return Assign(fmt::format("torch.conv2d({0}, {1}, {2}, [{3}, {3}], [{4}, {4}], [{5}, {5}], {6})",
                            x, weight, bias, spec.stride, spec.padding(), spec.dilation,
                            spec.groups));
}

TensorName TorchScriptNetwork::Activate(const TensorName& x, const ConvBnActSpec& block) {
  switch (block.activation) {
    case Activation::kIdentity:
      return x;
    case Activation::kSilu:
      return Assign(fmt::format("torch.silu({})", x));
    case Activation::kRelu:
      return Assign(fmt::format("torch.relu({})", x));
    case Activation::kLeakyRelu:
      return Assign(fmt::format("torch.leaky_relu({}, {:.17g})", x, block.negative_slope));
    case Activation::kHardswish:
      return Assign(fmt::format("torch.hardswish({})", x));
  }
  return x;
}

TensorName TorchScriptNetwork::Sigmoid(const TensorName& x) {
  return Assign(fmt::format("torch.sigmoid({})", x));
}

TensorName TorchScriptNetwork::MaxPool(const TensorName& x, std::int64_t kernel) {
  return Assign(
      fmt::format("torch.max_pool2d({0}, [{1}, {1}], [1, 1], [{2}, {2}])", x, kernel, kernel / 2));
}

TensorName TorchScriptNetwork::Upsample(const TensorName& x) {
  return Assign(fmt::format("torch.upsample_nearest2d({}, None, [2.0, 2.0])", x));
}

TensorName TorchScriptNetwork::Softmax(const TensorName& x, int rank) {
  return Assign(fmt::format("torch.softmax({}, {})", x, rank - 1));
}

TensorName TorchScriptNetwork::MatMul(const TensorName& a, const TensorName& b) {
  return Assign(fmt::format("torch.matmul({}, {})", a, b));
}

TensorName TorchScriptNetwork::Compute(Arithmetic operation, const TensorName& a,
                                       const TensorName& b) {
  return Assign(fmt::format("{} {} {}", a, SignOf(operation), b));
}

TensorName TorchScriptNetwork::Scale(const TensorName& x, float factor) {
  return Assign(fmt::format("{} * {:.9e}", x, factor));
}

TensorName TorchScriptNetwork::Concat(std::span<const TensorName> parts, int axis) {
  return Assign(fmt::format("torch.cat([{}], {})", fmt::join(parts, ", "), axis));
}

std::vector<TensorName> TorchScriptNetwork::Split(const TensorName& x,
                                                  std::span<const std::int64_t> sizes, int axis) {
  std::vector<TensorName> names;
  std::int64_t begin = 0;
  for (const std::int64_t size : sizes) {
    names.push_back(Assign(fmt::format("torch.narrow({}, {}, {}, {})", x, axis, begin, size)));
    begin += size;
  }
  return names;
}

TensorName TorchScriptNetwork::Transpose(const TensorName& x, std::span<const int> order) {
  return Assign(fmt::format("{}.permute([{}])", x, fmt::join(order, ", ")));
}

TensorName TorchScriptNetwork::Reshape(const TensorName& x, std::span<const std::int64_t> shape) {
  std::vector<std::string> sizes;
  for (const std::int64_t size : shape) {
    sizes.push_back(size == 0 ? fmt::format("{}.size({})", x, sizes.size())
                              : fmt::format("{}", size));
  }
  return Assign(fmt::format("{}.reshape([{}])", x, fmt::join(sizes, ", ")));
}

TensorName TorchScriptNetwork::ReshapeToMap(const TensorName& x, std::int64_t channels,
                                            const TensorName& map, const Extent& /*extent*/) {
  return Assign(
      fmt::format("{0}.reshape([{0}.size(0), {1}, {2}.size(2), {2}.size(3)])", x, channels, map));
}

TensorName TorchScriptNetwork::Widen(const TensorName& x) { return half_ ? ToFloat(x) : x; }

TensorName TorchScriptNetwork::ToFloat(const TensorName& x) {
  return Assign(fmt::format("{}.to(6)", x));
}

TensorName TorchScriptNetwork::Constant(TensorData value) {
  const std::string member = fmt::format("constant{}", constants_++);
  module_.register_buffer(member, ToTensor(value));
  return "self." + member;
}

std::pair<TensorName, TensorName> TorchScriptNetwork::BestClass(const TensorName& scores) {
  return AssignTwo(fmt::format("torch.max({}, 2)", scores));
}

std::pair<TensorName, TensorName> TorchScriptNetwork::TopK(const TensorName& x,
                                                           std::int64_t count) {
  return AssignTwo(fmt::format("torch.topk({0}, min({1}, {0}.size(1)), 1)", x, count));
}

TensorName TorchScriptNetwork::GatherRows(const TensorName& x, const TensorName& indices,
                                          std::int64_t columns) {
  return Assign(fmt::format("torch.gather({}, 1, {}.unsqueeze(2).expand([-1, -1, {}]))", x, indices,
                            columns));
}

std::pair<TensorName, TensorName> TorchScriptNetwork::DivideIndices(const TensorName& indices,
                                                                    std::int64_t divisor) {
  const TensorName quotient =
      Assign(fmt::format("torch.div({}, {}, rounding_mode='floor')", indices, divisor));
  return {quotient, Assign(fmt::format("{} - {} * {}", indices, quotient, divisor))};
}

TensorName TorchScriptNetwork::IsPositive(const TensorName& x) {
  return Assign(fmt::format("({} > 0).to(6)", x));
}

TensorName TorchScriptNetwork::Suppress(const TensorName& boxes, const TensorName& scores,
                                        const SuppressionRule& rule) {
  module_.define(kSuppress);
  return Assign(fmt::format("self.suppress({}, {}, {:.9e}, {:.9e}, {})", boxes, scores,
                            rule.confidence, rule.iou, rule.max_detections));
}

std::pair<TensorName, TensorName> TorchScriptNetwork::MeasureCells(std::span<const TensorName> maps,
                                                                   std::span<const int> strides) {
  std::vector<TensorName> x, y, stride;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const TensorName ones = Assign(fmt::format("torch.ones_like({}[:1, :1], dtype=6)", maps[i]));
    x.push_back(Assign(fmt::format("(torch.cumsum({}, 3) - 0.5).reshape([1, 1, -1])", ones)));
    y.push_back(Assign(fmt::format("(torch.cumsum({}, 2) - 0.5).reshape([1, 1, -1])", ones)));
    stride.push_back(Assign(fmt::format("({} * {}).reshape([1, 1, -1])", ones, strides[i])));
  }
  const std::vector<TensorName> rows = {Concat(x, 2), Concat(y, 2)};
  return {Concat(rows, 1), Concat(stride, 2)};
}

void TorchScriptNetwork::Output(const TensorName& x, std::span<const std::int64_t> /*shape*/) {
  text_ += fmt::format("    return {}\n", x);
}

torch::jit::Module TorchScriptNetwork::Finish() {
  module_.define(text_);
  return module_;
}

}  // namespace headroom
