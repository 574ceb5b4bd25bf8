// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/error.h"
#include "headroom/nn/file_modules.h"
#include "headroom/nn/map_sizes.h"
#include "headroom/nn/model.h"
#include "headroom/nn/module_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace headroom {
namespace {

class ModelBuilder {
 public:
  ModelBuilder(const ModelConfig& config, const ModelOptions& options, at::Device device)
      : factory_(options.ops, device) {
    model_.config = config;
    model_.options = options;
    model_.reg_max = config.reg_max;
    model_.graph = std::make_unique<Graph>();
    model_.parameters = std::make_unique<ParameterStore>();
    builder_.emplace(*model_.graph, *model_.parameters, factory_,
                     NetworkOptions{.activation = ModelActivation(),
                                    .file = config.modules.get(),
                                    .source = config.source});
  }

  Model Build() {
    const std::vector<ModelLayer>& layers = model_.config.layers;
    const std::string& scale = model_.config.scale;
    is_large_ = scale == "m" || scale == "l" || scale == "x";
    depthwise_classes_ =
        std::ranges::any_of(layers, [](const ModelLayer& layer) { return layer.module == "C3k2"; });
    for (std::size_t i = 0; i < layers.size(); ++i) (void)RowOf(i);
    CheckHeadIsLast();
    const ValueId image = builder_->Pixels(model_.graph->AddInput(3));
    for (std::size_t i = 0; i < layers.size(); ++i) {
      AddLayer(i, image);
      first_values_.push_back(model_.graph->values().size());
    }
    MeasureStrides();
    model_.modules = std::move(builder_->modules());
    if (model_.config.modules != nullptr) CheckAgainstFile();
    model_.config.modules.reset();
    return std::move(model_);
  }

 private:
  [[nodiscard]] ActivationChoice ModelActivation() const {
    const auto name = ParseActivation(model_.config.activation);
    return name ? ChooseActivation(*name) : ActivationChoice{};
  }

  void CheckHeadIsLast() const {
    const std::vector<ModelLayer>& layers = model_.config.layers;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const bool is_head = layers[i].module == "Detect";
      if (is_head == (i + 1 == layers.size())) continue;
      throw ConfigError(model_.config.Where(i) +
                        (is_head ? ": Detect must be the last layer, once"
                                 : ": the model has no Detect layer; its last layer must be "
                                   "Detect"));
    }
  }

  void AddLayer(std::size_t index, ValueId image) {
    const ModelLayer& layer = model_.config.layers[index];
    const ModuleRow& row = RowOf(index);
    LayerArguments arguments{.layer = layer,
                             .where = model_.config.Where(index),
                             .name = fmt::format("model.{}", index),
                             .names = row.arguments,
                             .repeats = ScaledRepeats(layer.repeats, model_.config.depth)};
    for (const int from : layer.from) {
      const int position = static_cast<int>(index);
      arguments.inputs.push_back(Source(from < 0 ? position + from : from, position, image));
    }
    CheckRow(row, arguments);
    const bool has_channels = !row.arguments.empty() && row.arguments[0] == "channels";
    if (has_channels && layer.args.size() > 1)
      arguments.printed.assign(layer.args.begin() + 1, layer.args.end());
    const std::size_t before = model_.parameters->parameters().size();
    builder_->set_layer(static_cast<int>(index), arguments.where);
    layer_outputs_.push_back(AddModules(row, arguments));
    AddInfo(row, arguments, has_channels, before);
  }

  const ModuleRow& RowOf(std::size_t index) const {
    const ModelLayer& layer = model_.config.layers[index];
    const ModuleRow* row = FindModuleRow(layer.module);
    if (row != nullptr) return *row;
    std::string known;
    for (const ModuleRow* one : ModuleTable())
      known += fmt::format("{}{}", known.empty() ? "" : ", ", one->word);
    throw ConfigError(fmt::format("{}: module '{}' is not known; known are {}",
                                  model_.config.Where(index), layer.module, known));
  }

  static void CheckRow(const ModuleRow& row, const LayerArguments& a) {
    const std::size_t count = a.layer.args.size();
    if (count < row.needed || count > row.arguments.size()) {
      const std::string needed = row.needed == row.arguments.size()
                                     ? fmt::format("{}", row.needed)
                                     : fmt::format("{} to {}", row.needed, row.arguments.size());
      throw ConfigError(fmt::format("{}: {} arguments, but {} takes {}: {}", a.where, count,
                                    row.word, needed, fmt::join(row.arguments, ", ")));
    }
    if (row.inputs == Inputs::kOne && a.inputs.size() != 1) {
      throw ConfigError(
          fmt::format("{}: it reads {} layers, but {} takes one; Concat joins several", a.where,
                      a.inputs.size(), row.word));
    }
    if (row.repeats == Repeats::kOnce && a.repeats != 1)
      throw ConfigError(
          fmt::format("{}: repeats {}: a {} stands once", a.where, a.repeats, row.word));
  }

  ValueId AddModules(const ModuleRow& row, const LayerArguments& a) {
    const LayerContext context{.builder = *builder_,
                               .arguments = a,
                               .model = model_,
                               .is_large = is_large_,
                               .depthwise_classes = depthwise_classes_};
    if (row.repeats != Repeats::kStacked || a.repeats == 1)
      return row.build(context, a.name, a.inputs[0]);
    ValueId x = a.inputs[0];
    for (int i = 0; i < a.repeats; ++i) x = row.build(context, fmt::format("{}.{}", a.name, i), x);
    return x;
  }

  // As the reference prints it: channels in and out, the count of blocks inside, the other
  // arguments.
  void AddInfo(const ModuleRow& row, const LayerArguments& a, bool has_channels,
               std::size_t first_parameter) {
    OptionValue::List printed = a.printed;
    if (has_channels) {
      OptionValue::List shape = {builder_->Channels(a.inputs[0]),
                                 builder_->Channels(layer_outputs_.back())};
      if (row.repeats == Repeats::kInside) shape.emplace_back(a.repeats);
      printed.insert(printed.begin(), shape.begin(), shape.end());
    } else if (printed.empty()) {
      printed = a.layer.args;
    }
    LayerInfo info{.index = static_cast<int>(layer_outputs_.size()) - 1,
                   .from = a.layer.from,
                   .repeats = a.repeats,
                   .module = std::string(row.type),
                   .arguments = OptionValue(std::move(printed)).ToText()};
    for (const Parameter& parameter : model_.parameters->parameters().subspan(first_parameter))
      info.parameters += parameter.count;
    model_.layers.push_back(std::move(info));
  }

  ValueId Source(int source, int index, ValueId image) const {
    if (source == -1 && index == 0) return image;
    if (source < 0 || source >= index) {
      throw ConfigError(fmt::format("{}: it reads layer {}, but {} come before it",
                                    model_.config.Where(static_cast<std::size_t>(index)), source,
                                    index == 0 ? "none" : fmt::format("only 0 to {}", index - 1)));
    }
    return layer_outputs_[static_cast<std::size_t>(source)];
  }

  void MeasureStrides() {
    model_.strides =
        MapSizes(*model_.graph, model_.config, first_values_).Strides(model_.one_to_many.boxes);
    ModuleTree& head = builder_->modules().At(
        fmt::format("model.{}", model_.config.layers.size() - 1), kSequentialType);
    head.tensor_attributes = {
        {"stride", std::vector<float>(model_.strides.begin(), model_.strides.end())}};
  }

  void CheckAgainstFile() const {
    const ModuleTree* file = model_.config.modules->Find("model");
    if (file == nullptr)
      throw DataError(model_.config.source + ": its network has no module 'model'");
    CheckFileModules(*model_.modules.Find("model"), *file, model_.config.source, "model");
  }

  OperationFactory factory_;
  Model model_;
  std::optional<NetworkBuilder> builder_;
  std::vector<ValueId> layer_outputs_;
  std::vector<std::size_t> first_values_;  // Of what follows each layer.
  bool is_large_ = false;
  bool depthwise_classes_ = false;
};

}  // namespace

Model BuildModel(const ModelConfig& config, const ModelOptions& options, at::Device device) {
  return ModelBuilder(config, options, device).Build();
}

}  // namespace headroom
