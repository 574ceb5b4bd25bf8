// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/error.h"
#include "headroom/nn/c2f.h"
#include "headroom/nn/c2psa.h"
#include "headroom/nn/c3.h"
#include "headroom/nn/detect_head.h"
#include "headroom/nn/layer_arguments.h"
#include "headroom/nn/model.h"
#include "headroom/nn/sppf.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace headroom {
namespace {

// The extent at which strides are measured; any multiple of every stride would do.
constexpr std::int64_t kProbeExtent = 256;

class ModelBuilder {
 public:
  ModelBuilder(const ModelConfig& config, const ModelOptions& options, at::Device device)
      : factory_(options.ops, device) {
    model_.config = config;
    model_.options = options;
    model_.reg_max = config.reg_max;
    model_.graph = std::make_unique<Graph>();
    model_.parameters = std::make_unique<ParameterStore>();
    builder_.emplace(*model_.graph, *model_.parameters, factory_);
  }

  Model Build() {
    // Scales m, l and x use C3k inside every C3k2 of YOLO11 and YOLO26.
    c3k_everywhere_ = std::string("mlx").find(model_.config.scale) != std::string::npos;
    depthwise_classes_ =
        std::any_of(model_.config.layers.begin(), model_.config.layers.end(),
                    [](const ModelLayer& layer) { return layer.module == "C3k2"; });
    const ValueId image = builder_->Pixels(model_.graph->AddInput(3));
    for (std::size_t i = 0; i < model_.config.layers.size(); ++i)
      AddLayer(static_cast<int>(i), image);
    if (model_.graph->outputs().empty())
      throw ConfigError(Where(model_.config.layers.back()) +
                        ": the model has no Detect layer; its last layer must be Detect");
    MeasureStrides();
    return std::move(model_);
  }

 private:
  using Adder = ValueId (ModelBuilder::*)(const LayerArguments&);

  [[nodiscard]] std::string Where(const ModelLayer& layer) const {
    return fmt::format("{}:{}", model_.config.file, layer.line);
  }

  static const std::map<std::string, std::pair<Adder, std::string>>& Modules() {
    static const std::map<std::string, std::pair<Adder, std::string>> modules = {
        {"Conv", {&ModelBuilder::AddConv, "ultralytics.nn.modules.conv.Conv"}},
        {"DWConv", {&ModelBuilder::AddConv, "ultralytics.nn.modules.conv.DWConv"}},
        {"Bottleneck", {&ModelBuilder::AddBottleneck, "ultralytics.nn.modules.block.Bottleneck"}},
        {"C2f", {&ModelBuilder::AddC2f, "ultralytics.nn.modules.block.C2f"}},
        {"C3", {&ModelBuilder::AddC3, "ultralytics.nn.modules.block.C3"}},
        {"C3k", {&ModelBuilder::AddC3, "ultralytics.nn.modules.block.C3k"}},
        {"C3k2", {&ModelBuilder::AddC3k2, "ultralytics.nn.modules.block.C3k2"}},
        {"SPPF", {&ModelBuilder::AddSppf, "ultralytics.nn.modules.block.SPPF"}},
        {"C2PSA", {&ModelBuilder::AddC2Psa, "ultralytics.nn.modules.block.C2PSA"}},
        {"nn.Upsample", {&ModelBuilder::AddUpsample, "torch.nn.modules.upsampling.Upsample"}},
        {"Concat", {&ModelBuilder::AddConcat, "ultralytics.nn.modules.conv.Concat"}},
        {"Detect", {&ModelBuilder::AddDetect, "ultralytics.nn.modules.head.Detect"}},
    };
    return modules;
  }

  void AddLayer(int index, ValueId image) {
    const ModelLayer& layer = model_.config.layers[static_cast<std::size_t>(index)];
    const auto found = Modules().find(layer.module);
    if (found == Modules().end()) throw ConfigError(UnknownModule(layer));
    LayerArguments arguments{
        .layer = layer, .where = Where(layer), .name = fmt::format("model.{}", index)};
    arguments.repeats = ScaledRepeats(layer.repeats, model_.config.depth);
    for (const int from : layer.from)
      arguments.inputs.push_back(Source(layer, from < 0 ? index + from : from, index, image));
    const std::size_t before = model_.parameters->parameters().size();
    builder_->set_layer(index);
    layer_outputs_.push_back((this->*found->second.first)(arguments));
    LayerInfo info{.index = index,
                   .from = layer.from,
                   .repeats = arguments.printed_repeats,
                   .module = found->second.second,
                   .arguments = arguments.printed};
    for (const Parameter& parameter : model_.parameters->parameters().subspan(before))
      info.parameters += parameter.count;
    model_.layers.push_back(std::move(info));
  }

  [[nodiscard]] std::string UnknownModule(const ModelLayer& layer) const {
    std::string known;
    for (const auto& [name, adder] : Modules()) known += (known.empty() ? "" : ", ") + name;
    return fmt::format("{}: module '{}' is not known; known are {}", Where(layer), layer.module,
                       known);
  }

  ValueId Source(const ModelLayer& layer, int source, int index, ValueId image) const {
    if (source == -1 && index == 0) return image;
    if (source < 0 || source >= index) {
      throw ConfigError(
          fmt::format("{}: layer {} reads from layer {}, but only 0 to {} come before it",
                      Where(layer), index, source, index - 1));
    }
    return layer_outputs_[static_cast<std::size_t>(source)];
  }

  std::int64_t Channels(ValueId value) const { return builder_->Channels(value); }
  std::int64_t OutChannels(const LayerArguments& a) const {
    return ScaledChannels(a.Int(0), model_.config);
  }

  // Modules that do not take a repeat count are stacked: names get one more index.
  template <typename Add>
  ValueId Stack(const LayerArguments& a, const Add& add) {
    a.printed_repeats = a.repeats;
    ValueId x = a.inputs[0];
    for (int i = 0; i < a.repeats; ++i)
      x = add(a.repeats > 1 ? fmt::format("{}.{}", a.name, i) : a.name, x);
    return x;
  }

  ValueId AddConv(const LayerArguments& a) {
    const std::int64_t out = OutChannels(a);
    return Stack(a, [&](const std::string& name, ValueId x) {
      const std::int64_t in = Channels(x);
      ConvOptions options{.kernel = a.Int(1, 1), .stride = a.Int(2, 1)};
      options.groups = a.layer.module == "DWConv" ? std::gcd(in, out) : a.Int(4, 1);
      if (a.Has(5) && !a.Bool(5, true)) options.activation = Activation::kIdentity;
      a.printed = fmt::format("[{}, {}, {}, {}]", in, out, options.kernel, options.stride);
      return builder_->Apply(builder_->DeclareConv(name, in, out, options), x);
    });
  }

  ValueId AddBottleneck(const LayerArguments& a) {
    const std::int64_t out = OutChannels(a);
    return Stack(a, [&](const std::string& name, ValueId x) {
      const Bottleneck block(*builder_, name, Channels(x), out, {.shortcut = a.Bool(1, true)});
      a.printed = fmt::format("[{}, {}, {}]", Channels(x), out, a.Bool(1, true) ? "True" : "False");
      return block.Wire(*builder_, x);
    });
  }

  ValueId AddC2f(const LayerArguments& a) {
    const ValueId x = a.inputs[0];
    C2f::Options options{
        .repeats = a.repeats, .shortcut = a.Bool(1, false), .expansion = a.Double(3, 0.5)};
    a.printed = fmt::format("[{}, {}, {}, {}]", Channels(x), OutChannels(a), a.repeats,
                            options.shortcut ? "True" : "False");
    return C2f(*builder_, a.name, Channels(x), OutChannels(a), options).Wire(*builder_, x);
  }

  ValueId AddC3(const LayerArguments& a) {
    const ValueId x = a.inputs[0];
    const bool c3k = a.layer.module == "C3k";
    C3::Options options{.repeats = a.repeats,
                        .shortcut = a.Bool(1, true),
                        .expansion = a.Double(3, 0.5),
                        .first_kernel = c3k ? 3 : 1};
    a.printed = fmt::format("[{}, {}, {}, {}]", Channels(x), OutChannels(a), a.repeats,
                            options.shortcut ? "True" : "False");
    return C3(*builder_, a.name, Channels(x), OutChannels(a), options).Wire(*builder_, x);
  }

  ValueId AddC3k2(const LayerArguments& a) {
    const ValueId x = a.inputs[0];
    const bool c3k = c3k_everywhere_ || a.Bool(1, false);
    const bool attention = a.Bool(3, false);
    C2f::Options options{
        .repeats = a.repeats, .shortcut = a.Bool(5, true), .expansion = a.Double(2, 0.5)};
    options.inner = attention ? C2fInner::kAttention
                    : c3k     ? C2fInner::kC3k
                              : C2fInner::kHalfBottleneck;
    a.printed = fmt::format(
        "[{}, {}, {}, {}{}{}]", Channels(x), OutChannels(a), a.repeats, c3k ? "True" : "False",
        a.Has(2) ? fmt::format(", {}", options.expansion) : "", attention ? ", True" : "");
    return C2f(*builder_, a.name, Channels(x), OutChannels(a), options).Wire(*builder_, x);
  }

  ValueId AddSppf(const LayerArguments& a) {
    return Stack(a, [&](const std::string& name, ValueId x) {
      Sppf::Options options{
          .kernel = a.Int(1, 5), .pools = a.Int(2, 3), .shortcut = a.Bool(3, false)};
      // The reference's rule: a row that says more than the kernel is of the newer kind without an
      // activation in cv1.
      if (a.Has(2)) options.first_activation = Activation::kIdentity;
      a.printed = fmt::format(
          "[{}, {}, {}{}]", Channels(x), OutChannels(a), options.kernel,
          a.Has(2) ? fmt::format(", {}, {}", options.pools, options.shortcut ? "True" : "False")
                   : "");
      return Sppf(*builder_, name, Channels(x), OutChannels(a), options).Wire(*builder_, x);
    });
  }

  ValueId AddC2Psa(const LayerArguments& a) {
    const ValueId x = a.inputs[0];
    if (Channels(x) != OutChannels(a)) {
      throw ConfigError(
          fmt::format("{}: C2PSA keeps its width, but {} channels come in and {} are asked for",
                      a.where, Channels(x), OutChannels(a)));
    }
    a.printed = fmt::format("[{}, {}, {}]", Channels(x), OutChannels(a), a.repeats);
    return C2Psa(*builder_, a.name, Channels(x), a.repeats, a.Double(1, 0.5)).Wire(*builder_, x);
  }

  ValueId AddUpsample(const LayerArguments& a) {
    if (a.Int(1, 2) != 2 || a.Text(2, "nearest") != "nearest") {
      throw ConfigError(a.where + ": nn.Upsample works by a factor of 2 with mode 'nearest'");
    }
    a.printed = "[None, 2, 'nearest']";
    return builder_->Upsample(a.inputs[0], a.name);
  }

  ValueId AddConcat(const LayerArguments& a) {
    if (a.Int(0, 1) != 1) throw ConfigError(a.where + ": Concat joins channels (dimension 1)");
    a.printed = "[1]";
    return model_.graph->Concat(a.inputs);
  }

  ValueId AddDetect(const LayerArguments& a) {
    std::vector<std::int64_t> widths;
    for (const ValueId level : a.inputs) widths.push_back(Channels(level));
    const DetectHead head(*builder_, a.name, widths,
                          {.classes = model_.options.classes,
                           .reg_max = model_.config.reg_max,
                           .end2end = model_.config.end2end,
                           .depthwise_classes = depthwise_classes_,
                           .class_width = model_.options.class_width});
    model_.one_to_many = MarkHead(head.Wire(*builder_, a.inputs));
    if (model_.config.end2end) model_.one_to_one = MarkHead(head.WireOneToOne(*builder_, a.inputs));
    model_.box_biases = head.BoxBiases();
    model_.class_biases = head.ClassBiases();
    a.printed = fmt::format("[{}, {}]", model_.options.classes,
                            fmt::format("[{}]", fmt::join(widths, ", ")));
    return a.inputs[0];
  }

  HeadOutputs MarkHead(const HeadValues& maps) {
    HeadOutputs outputs;
    for (std::size_t level = 0; level < maps.boxes.size(); ++level) {
      outputs.boxes.push_back(model_.graph->outputs().size());
      model_.graph->MarkOutput(maps.boxes[level]);
      outputs.classes.push_back(model_.graph->outputs().size());
      model_.graph->MarkOutput(maps.classes[level]);
    }
    return outputs;
  }

  void MeasureStrides() {
    const std::vector<Extent> extents = model_.graph->InferExtents({kProbeExtent, kProbeExtent});
    for (const std::size_t output : model_.one_to_many.boxes) {
      const auto value = static_cast<std::size_t>(model_.graph->outputs()[output]);
      model_.strides.push_back(static_cast<int>(kProbeExtent / extents[value].height));
    }
  }

  OperationFactory factory_;
  Model model_;
  std::optional<NetworkBuilder> builder_;
  std::vector<ValueId> layer_outputs_;
  bool c3k_everywhere_ = false;
  bool depthwise_classes_ = false;
};

}  // namespace

Model BuildModel(const ModelConfig& config, const ModelOptions& options, at::Device device) {
  return ModelBuilder(config, options, device).Build();
}

}  // namespace headroom
