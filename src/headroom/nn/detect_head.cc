// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/detect_head.h"

#include "headroom/core/check.h"
#include "headroom/nn/model.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

constexpr std::string_view kType = "ultralytics.nn.modules.head.Detect";
constexpr std::string_view kArguments[] = {"classes"};

// Places the maps among the graph's outputs.
HeadOutputs MarkHead(Graph& graph, const HeadValues& maps) {
  HeadOutputs outputs;
  for (std::size_t level = 0; level < maps.boxes.size(); ++level) {
    outputs.boxes.push_back(graph.outputs().size());
    graph.MarkOutput(maps.boxes[level]);
    outputs.classes.push_back(graph.outputs().size());
    graph.MarkOutput(maps.classes[level]);
  }
  return outputs;
}

void CheckClasses(const LayerArguments& a, std::int64_t classes) {
  const OptionValue& value = a.layer.args[0];
  if (value != OptionValue("nc") && value != OptionValue(classes))
    a.Wrong(0, fmt::format("nc (the {} classes of the data set)", classes));
}

ValueId Build(const LayerContext& context, const std::string& name, ValueId x) {
  const LayerArguments& a = context.arguments;
  NetworkBuilder& builder = context.builder;
  Model& model = context.model;
  CheckClasses(a, model.options.classes);
  std::vector<std::int64_t> widths;
  for (const ValueId level : a.inputs) widths.push_back(context.Channels(level));
  const DetectHead head(builder, name, widths,
                        {.classes = model.options.classes,
                         .reg_max = model.config.reg_max,
                         .end2end = model.config.end2end,
                         .depthwise_classes = context.depthwise_classes,
                         .class_width = model.options.class_width});
  model.one_to_many = MarkHead(builder.graph(), head.Wire(builder, a.inputs));
  if (model.config.end2end)
    model.one_to_one = MarkHead(builder.graph(), head.WireOneToOne(builder, a.inputs));
  model.box_biases = head.BoxBiases();
  model.class_biases = head.ClassBiases();
  a.printed = {model.options.classes, OptionValue::List(widths.begin(), widths.end())};
  return x;
}

}  // namespace

DetectHead::DetectHead(NetworkBuilder& builder, const std::string& name,
                       const std::vector<std::int64_t>& level_channels, const Options& options)
    : options_(options) {
  RecordHead(builder, name, static_cast<std::int64_t>(level_channels.size()));
  one_to_many_ = Declare(builder, name + ".cv2", name + ".cv3", level_channels);
  if (options.reg_max > 1) {
    // The bins 0 .. reg_max - 1 as a frozen convolution: an entry of the state dict, not of the
    // graph.
    const int dfl = builder.parameters().AddParameter(
        name + ".dfl.conv.weight", {1, options.reg_max, 1, 1}, ParameterKind::kWeight);
    builder.parameters().parameters()[static_cast<std::size_t>(dfl)].trainable = false;
    builder.Record(name + ".dfl", "ultralytics.nn.modules.block.DFL").Set("c1", options.reg_max);
    builder.RecordConvolution(name + ".dfl.conv", {options.reg_max, 1}, false);
  } else {
    builder.Record(name + ".dfl", kIdentityType);
  }
  if (options.end2end)
    one_to_one_ = Declare(builder, name + ".one2one_cv2", name + ".one2one_cv3", level_channels);
}

void DetectHead::RecordHead(NetworkBuilder& builder, const std::string& name,
                            std::int64_t levels) const {
  constexpr int kMostDetections = 300;  // The reference's default.
  builder.Record(name, kType)
      .Set("nc", options_.classes)
      .Set("nl", levels)
      .Set("reg_max", options_.reg_max)
      .Set("no", options_.classes + 4 * options_.reg_max)
      .Set("inplace", true)
      .Set("max_det", kMostDetections)
      .Set("_end2end", false);
}

DetectHead::Pair DetectHead::Declare(NetworkBuilder& builder, const std::string& box_name,
                                     const std::string& class_name,
                                     const std::vector<std::int64_t>& level_channels) const {
  const std::int64_t first = level_channels[0];
  const std::int64_t box_width = std::max({std::int64_t{16}, first / 4, 4 * options_.reg_max});
  const std::int64_t class_width =
      options_.class_width.value_or(std::max(first, std::min<std::int64_t>(options_.classes, 100)));
  Pair pair;
  builder.Record(box_name, kModuleListType);
  for (std::size_t level = 0; level < level_channels.size(); ++level) {
    pair.boxes.push_back(DeclareBox(builder, fmt::format("{}.{}", box_name, level),
                                    level_channels[level], box_width));
  }
  builder.Record(class_name, kModuleListType);
  const std::size_t class_begin = builder.parameters().parameters().size();
  for (std::size_t level = 0; level < level_channels.size(); ++level) {
    pair.classes.push_back(DeclareClass(builder, fmt::format("{}.{}", class_name, level),
                                        level_channels[level], class_width));
  }
  for (Parameter& parameter : builder.parameters().parameters().subspan(class_begin))
    parameter.class_branch = true;
  return pair;
}

DetectHead::Branch DetectHead::DeclareBox(NetworkBuilder& builder, const std::string& name,
                                          std::int64_t in, std::int64_t width) const {
  Branch branch;
  branch.blocks.push_back(builder.DeclareConv(name + ".0", in, width, {.kernel = 3}));
  branch.blocks.push_back(builder.DeclareConv(name + ".1", width, width, {.kernel = 3}));
  branch.last = builder.DeclareBiasedConv(name + ".2", width, 4 * options_.reg_max);
  return branch;
}

DetectHead::Branch DetectHead::DeclareClass(NetworkBuilder& builder, const std::string& name,
                                            std::int64_t in, std::int64_t width) const {
  Branch branch;
  if (options_.depthwise_classes) {
    branch.blocks.push_back(builder.DeclareConv(name + ".0.0", in, in,
                                                {.kernel = 3, .groups = in, .type = kDwConvType}));
    branch.blocks.push_back(builder.DeclareConv(name + ".0.1", in, width));
    branch.blocks.push_back(builder.DeclareConv(
        name + ".1.0", width, width, {.kernel = 3, .groups = width, .type = kDwConvType}));
    branch.blocks.push_back(builder.DeclareConv(name + ".1.1", width, width));
  } else {
    branch.blocks.push_back(builder.DeclareConv(name + ".0", in, width, {.kernel = 3}));
    branch.blocks.push_back(builder.DeclareConv(name + ".1", width, width, {.kernel = 3}));
  }
  branch.last = builder.DeclareBiasedConv(name + ".2", width, options_.classes);
  return branch;
}

HeadValues DetectHead::WirePair(NetworkBuilder& builder, const Pair& pair,
                                const std::vector<ValueId>& levels, bool detach) {
  const auto wire = [&](const Branch& branch, ValueId level) {
    ValueId x = builder.Apply(branch.blocks[0], NodeInput{level, detach});
    for (std::size_t i = 1; i < branch.blocks.size(); ++i) x = builder.Apply(branch.blocks[i], x);
    return builder.Apply(branch.last, x);
  };
  HeadValues maps;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    maps.boxes.push_back(wire(pair.boxes[level], levels[level]));
    maps.classes.push_back(wire(pair.classes[level], levels[level]));
  }
  return maps;
}

HeadValues DetectHead::Wire(NetworkBuilder& builder, const std::vector<ValueId>& levels) const {
  return WirePair(builder, one_to_many_, levels, false);
}

HeadValues DetectHead::WireOneToOne(NetworkBuilder& builder,
                                    const std::vector<ValueId>& levels) const {
  HEADROOM_CHECK(one_to_one_.has_value(), "a head without a one-to-one branch");
  return WirePair(builder, *one_to_one_, levels, true);
}

std::vector<int> DetectHead::BoxBiases() const {
  std::vector<int> biases;
  for (const Branch& branch : one_to_many_.boxes) biases.push_back(branch.last.bias);
  if (one_to_one_) {
    for (const Branch& branch : one_to_one_->boxes) biases.push_back(branch.last.bias);
  }
  return biases;
}

std::vector<int> DetectHead::ClassBiases() const {
  std::vector<int> biases;
  for (const Branch& branch : one_to_many_.classes) biases.push_back(branch.last.bias);
  if (one_to_one_) {
    for (const Branch& branch : one_to_one_->classes) biases.push_back(branch.last.bias);
  }
  return biases;
}

constexpr ModuleRow kDetectRow{.word = "Detect",
                               .type = kType,
                               .arguments = kArguments,
                               .repeats = Repeats::kOnce,
                               .inputs = Inputs::kMany,
                               .build = Build};

}  // namespace headroom
