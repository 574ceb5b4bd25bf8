// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/dataset_yaml.h"
#include "headroom/config/options.h"
#include "headroom/config/settings.h"
#include "headroom/data/dataset_index.h"
#include "headroom/graph/program.h"
#include "headroom/interop/ultralytics_checkpoint.h"
#include "headroom/nn/model.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

// What training and validation share: the device, the data set, the model.

// The device that the option names. Throws ConfigError that lists the devices there are.
[[nodiscard]] at::Device ChooseDevice(const std::string& device);

// Storage of activations that `amp` means on this device, and the line that says so.
struct PrecisionChoice {
  Element activation = Element::kFloat32;
  std::string note;
};
// `kept`: what a run that goes on had resolved amp=True to; it stays so on any processor.
[[nodiscard]] PrecisionChoice ChoosePrecision(Precision amp, at::Device device,
                                              std::optional<Element> kept = {});
// The same on a processor that multiplies bf16 natively, or on one that does not.
[[nodiscard]] PrecisionChoice ChooseCpuPrecision(Precision amp, std::optional<Element> kept,
                                                 bool multiplies_bfloat16);
// "fp32" or "bf16": what headroom.yaml and checkpoints call it; null for another word.
[[nodiscard]] std::string_view PrecisionName(Element activation);
[[nodiscard]] std::optional<Element> ParsePrecision(std::string_view name);

[[nodiscard]] OpsChoice ParseOps(const std::string& ops);
[[nodiscard]] Recompute ParseRecompute(const std::string& recompute);

// Names after single_cls.
[[nodiscard]] std::vector<std::string> ClassNames(const DatasetConfig& data, bool single_cls);

// The index of a split as the options want it.
[[nodiscard]] DatasetIndex BuildIndex(const DatasetConfig& data, const std::string& split,
                                      const Options& options, Budget* budget);

// A loaded model with where it came from.
struct LoadedModel {
  Model model;
  std::vector<std::string> names;  // Of a checkpoint; empty for a YAML.
  std::optional<CheckpointContents> file;
  std::string transferred;  // "Transferred 493/499 items", when weights were copied.
};
// `model=` for training: an architecture with the data's classes (names); weights are copied where
// they fit.
[[nodiscard]] LoadedModel LoadForTraining(const Options& options,
                                          const std::vector<std::string>& names,
                                          const Settings& settings, at::Device device,
                                          Element convolution);
// `model=` for validation: the file's own architecture and classes, or a YAML with `pretrained=`
// and that file's classes.
[[nodiscard]] LoadedModel LoadForValidation(const Options& options, const Settings& settings,
                                            at::Device device, Element convolution);
// The file's names; class_0, class_1, ... for classes that it does not name.
[[nodiscard]] std::vector<std::string> NamesOfAllClasses(const LoadedModel& loaded);

}  // namespace headroom
