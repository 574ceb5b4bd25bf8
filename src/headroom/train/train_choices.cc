// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/train_choices.h"

#include "headroom/core/error.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace headroom {

AugmentOptions Augmentations(const Options& o) {
  AugmentOptions a;
  a.hsv_h = o.hsv_h;
  a.hsv_s = o.hsv_s;
  a.hsv_v = o.hsv_v;
  a.degrees = o.degrees;
  a.translate = o.translate;
  a.zoom_low = o.scale_min;
  a.zoom_high = o.scale_max;
  a.shear = o.shear;
  a.perspective = o.perspective;
  a.flipud = o.flipud;
  a.fliplr = o.fliplr;
  a.bgr = o.bgr;
  a.mosaic = o.mosaic;
  a.mixup = o.mixup;
  a.cutmix = o.cutmix;
  a.copy_paste = o.copy_paste;
  a.copy_paste_mode = o.copy_paste_mixup ? CopyPasteMode::kMixUp : CopyPasteMode::kFlip;
  return a;
}

namespace {

// freeze='s word for a parameter: a layer number or a part of its name.
bool Freezes(const std::string& word, const std::string& parameter) {
  const OptionValue value = OptionValue::Parse(word);
  if (value.is_int()) return parameter.starts_with(fmt::format("model.{}.", value.AsInt()));
  return parameter.find(word) != std::string::npos;
}

std::size_t LayerOf(const Parameter& parameter) {
  return static_cast<std::size_t>(std::stoi(parameter.name.substr(6)));  // "model.N."
}

}  // namespace

void MarkFrozen(const Options& options, ParameterStore& store) {
  std::vector<std::string> words = options.freeze;
  for (int i = 0; i < options.freeze_count; ++i) words.push_back(fmt::format("{}", i));
  for (const std::string& word : words) {
    bool found = false;
    for (Parameter& parameter : store.parameters()) {
      if (!Freezes(word, parameter.name)) continue;
      parameter.trainable = false;
      found = true;
    }
    // A layer without parameters (Concat) may be counted; a typing error may not.
    if (!found && !OptionValue::Parse(word).is_int()) {
      throw ConfigError(fmt::format(
          "freeze={}: no parameter has that in its name; names look like model.23.cv2.0.0.conv",
          word));
    }
  }
  const auto parameters = store.parameters();
  if (std::none_of(parameters.begin(), parameters.end(),
                   [](const Parameter& p) { return p.trainable; }))
    throw ConfigError("freeze= leaves nothing to train");
}

std::vector<bool> TrainedLayers(const Model& model) {
  std::vector<bool> trained(model.layers.size(), true);
  std::vector<bool> has_parameters(model.layers.size(), false), has_trained = has_parameters;
  for (const Parameter& parameter : model.parameters->parameters()) {
    has_parameters[LayerOf(parameter)] = true;
    if (parameter.trainable) has_trained[LayerOf(parameter)] = true;
  }
  for (std::size_t i = 0; i < trained.size(); ++i)
    trained[i] = has_trained[i] || !has_parameters[i];
  if (std::all_of(trained.begin(), trained.end(), [](bool t) { return t; })) return {};
  return trained;
}

std::vector<float> ClassWeights(double power, int classes, const DatasetIndex& index) {
  if (power <= 0) return {};
  std::vector<double> counts(static_cast<std::size_t>(classes), 0);
  for (std::size_t i = 0; i < index.size(); ++i) {
    index.labels().ForEach(i, [&](std::int32_t id, const Xywh&, LabelTable::Polygon) {
      ++counts[static_cast<std::size_t>(id)];
    });
  }
  double sum = 0;
  for (double& count : counts) sum += count = std::pow(std::max(count, 1.0), -power);
  std::vector<float> weights;
  for (const double count : counts) weights.push_back(static_cast<float>(count * classes / sum));
  return weights;
}

}  // namespace headroom
