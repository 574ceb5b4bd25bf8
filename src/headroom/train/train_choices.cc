// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/train_choices.h"

#include "headroom/core/error.h"

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

std::vector<bool> TrainedLayers(const Options& options, const Model& model) {
  std::vector<bool> trained(model.layers.size(), true);
  for (int i = 0; i < options.freeze_count && i < static_cast<int>(trained.size()); ++i)
    trained[static_cast<std::size_t>(i)] = false;
  for (const std::string& name : options.freeze) {
    const OptionValue value = OptionValue::Parse(name);
    if (!value.is_int() || value.AsInt() < 0 ||
        value.AsInt() >= static_cast<std::int64_t>(trained.size())) {
      throw ConfigError(
          fmt::format("freeze={}: layers are numbered 0 to {}", name, trained.size() - 1));
    }
    trained[static_cast<std::size_t>(value.AsInt())] = false;
  }
  if (std::none_of(trained.begin(), trained.end(), [](bool t) { return t; }))
    throw ConfigError("freeze= leaves nothing to train");
  if (std::all_of(trained.begin(), trained.end(), [](bool t) { return t; })) return {};
  return trained;
}

void MarkFrozen(const std::vector<bool>& trained, ParameterStore& store) {
  for (Parameter& parameter : store.parameters()) {
    const std::size_t layer =
        static_cast<std::size_t>(std::stoi(parameter.name.substr(6)));  // "model.N."
    if (!trained.empty() && !trained[layer]) parameter.trainable = false;
  }
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
