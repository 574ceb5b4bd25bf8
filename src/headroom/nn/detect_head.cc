// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/detect_head.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {

DetectHead::DetectHead(NetworkBuilder& builder, const std::string& name,
                       const std::vector<std::int64_t>& level_channels, const Options& options)
    : options_(options) {
  one_to_many_ = Declare(builder, name + ".cv2", name + ".cv3", level_channels);
  if (options.reg_max > 1) {
    // The bins 0 .. reg_max - 1 as a frozen convolution: an entry of the state dict, not of the
    // graph.
    const int dfl = builder.parameters().AddParameter(
        name + ".dfl.conv.weight", {1, options.reg_max, 1, 1}, ParameterKind::kWeight);
    builder.parameters().parameters()[static_cast<std::size_t>(dfl)].trainable = false;
  }
  if (options.end2end)
    one_to_one_ = Declare(builder, name + ".one2one_cv2", name + ".one2one_cv3", level_channels);
}

DetectHead::Pair DetectHead::Declare(NetworkBuilder& builder, const std::string& box_name,
                                     const std::string& class_name,
                                     const std::vector<std::int64_t>& level_channels) const {
  const std::int64_t first = level_channels[0];
  const std::int64_t box_width = std::max({std::int64_t{16}, first / 4, 4 * options_.reg_max});
  const std::int64_t class_width =
      options_.class_width.value_or(std::max(first, std::min<std::int64_t>(options_.classes, 100)));
  Pair pair;
  for (std::size_t level = 0; level < level_channels.size(); ++level) {
    pair.boxes.push_back(DeclareBox(builder, fmt::format("{}.{}", box_name, level),
                                    level_channels[level], box_width));
  }
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
    branch.blocks.push_back(
        builder.DeclareConv(name + ".0.0", in, in, {.kernel = 3, .groups = in}));
    branch.blocks.push_back(builder.DeclareConv(name + ".0.1", in, width));
    branch.blocks.push_back(
        builder.DeclareConv(name + ".1.0", width, width, {.kernel = 3, .groups = width}));
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

}  // namespace headroom
