// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/model_summary.h"

#include "headroom/ops/conv_bn_act.h"

#include <fmt/format.h>

#include <string_view>

namespace headroom {
namespace {

constexpr Extent kQuotedExtent = {640, 640};
constexpr std::int64_t kNormFlops = 8;  // An element.

// Whether a parameter or node belongs to a head that the form does not have.
bool IsLeftOut(std::string_view name, ModelForm form) {
  return form == ModelForm::kFused && name.find("one2one") != std::string_view::npos;
}

const ConvBnAct* AsConvBnAct(const Node& node) {
  return dynamic_cast<const ConvBnAct*>(node.operation.get());
}

std::int64_t CountModules(const Model& model, std::string_view name) {
  std::int64_t count = 0;
  for (const LayerInfo& layer : model.layers) count += layer.module.ends_with(name) ? 1 : 0;
  return count;
}

std::int64_t CountLayers(const Model& model, ModelForm form) {
  const bool training = form == ModelForm::kTraining;
  std::int64_t count = 0;
  for (const Parameter& parameter : model.parameters->parameters())
    count += parameter.kind == ParameterKind::kWeight && !IsLeftOut(parameter.name, form) ? 1 : 0;
  if (training) count += static_cast<std::int64_t>(model.parameters->norms().size());
  for (const Node& node : model.graph->nodes()) {
    const ConvBnAct* conv = AsConvBnAct(node);
    // An absent activation is a module of its own.
    if (conv != nullptr && conv->spec().activation == Activation::kIdentity) ++count;
  }
  // The activation; the second head is a copy of two branches, each with a copy of it.
  count += training && model.one_to_one ? 3 : 1;
  if (model.reg_max == 1) ++count;  // In the place of the distribution's convolution.
  for (const char* module : {"Concat", "Upsample", "SPPF"}) count += CountModules(model, module);
  return count;
}

std::int64_t CountParameters(const Model& model, ModelForm form) {
  std::int64_t count = 0;
  for (const Parameter& parameter : model.parameters->parameters()) {
    if (IsLeftOut(parameter.name, form)) continue;
    // Folded, a batch-norm leaves one bias a channel.
    const bool folded = form == ModelForm::kFused && parameter.kind == ParameterKind::kNormWeight;
    count += folded ? 0 : parameter.count;
  }
  return count;
}

double CountGflops(const Model& model, const Extent& image, ModelForm form) {
  const std::vector<Extent> extents = model.graph->InferExtents(image);
  std::int64_t flops = 0;
  for (const Node& node : model.graph->nodes()) {
    if (IsLeftOut(node.name, form)) continue;
    const Extent& input = extents[static_cast<std::size_t>(node.inputs[0].value)];
    flops += 2 * node.operation->MultiplyAdds(input);
    const ConvBnAct* conv = AsConvBnAct(node);
    if (form == ModelForm::kFused || conv == nullptr) continue;
    flops += kNormFlops * conv->OutputExtent(input).area() * conv->spec().convolution.out_channels;
  }
  return 1e-9 * static_cast<double>(flops);
}

// 2624080 as "2,624,080".
std::string WithCommas(std::int64_t number) {
  std::string text = fmt::format("{}", number);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

}  // namespace

ModelSummary Summarize(const Model& model, const Extent& image, ModelForm form) {
  return {.layers = CountLayers(model, form),
          .parameters = CountParameters(model, form),
          .gradients = form == ModelForm::kTraining ? model.TrainedCount() : 0,
          .gflops = CountGflops(model, image, form)};
}

std::string SummaryLine(const Model& model, ModelForm form) {
  const ModelSummary summary = Summarize(model, kQuotedExtent, form);
  std::string name = model.config.Name();
  if (name.starts_with("yolo")) name.replace(0, 4, "YOLO");
  return fmt::format("{} summary{}: {} layers, {} parameters, {} gradients, {:.1f} GFLOPs", name,
                     form == ModelForm::kFused ? " (fused)" : "", summary.layers,
                     WithCommas(summary.parameters), WithCommas(summary.gradients), summary.gflops);
}

}  // namespace headroom
