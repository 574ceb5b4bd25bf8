// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_setup.h"

#include "headroom/core/error.h"
#include "headroom/interop/weights_lookup.h"
#include "headroom/kernels/simd_target.h"
#include "headroom/train/class_remap.h"
#include "headroom/train/model_files.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

constexpr const char* kSlowBFloat16 =
    ", in fp32 arithmetic: less memory, but slower than fp32, since this processor has no bf16 "
    "multiplication";

bool IsYaml(const std::string& name) { return name.ends_with(".yaml") || name.ends_with(".yml"); }

CheckpointContents ReadWeights(const std::string& name, const Settings& settings) {
  const std::string file = name.find('.') == std::string::npos ? name + ".pt" : name;
  const auto path = FindWeights(file, {.weights_folder = settings.weights_dir});
  Result<CheckpointContents> contents = ReadCheckpoint(path);
  if (!contents) throw DataError(contents.error());
  return std::move(*contents);
}

void CopyInto(LoadedModel* loaded, const CheckpointContents& file,
              const std::vector<std::string>& names, bool remap) {
  const Transfer transfer = CopyWeights(file, loaded->model);
  loaded->transferred =
      fmt::format("Transferred {}/{} items from pretrained weights", transfer.copied, transfer.all);
  const int remapped = remap ? RemapClassRows(file, names, loaded->model) : -1;
  if (remapped > 0) {
    loaded->transferred +=
        fmt::format("\nRemapped {}/{} cls head rows by class name", remapped, names.size());
  }
}

}  // namespace

at::Device ChooseDevice(const std::string& device) {
  if (device == "cpu") return at::kCPU;
  const bool cuda = at::hasCUDA();
  if (device.empty()) return cuda ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  const std::string there = cuda ? "cpu and the CUDA devices" : "cpu";
  const bool number =
      std::all_of(device.begin(), device.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (number && cuda) return {at::kCUDA, static_cast<at::DeviceIndex>(std::stoi(device))};
  if (device == "mps" && at::hasMPS()) return at::kMPS;
  throw ConfigError(
      fmt::format("device={} is not there; this machine has {}. Use device=cpu", device, there));
}

PrecisionChoice ChooseCpuPrecision(Precision amp, std::optional<Element> kept,
                                   bool multiplies_bfloat16) {
  const std::string slow = multiplies_bfloat16 ? "" : kSlowBFloat16;
  if (amp == Precision::kFloat32) return {Element::kFloat32, "fp32"};
  if (amp == Precision::kBFloat16) return {Element::kBFloat16, "bf16" + slow};
  if (kept == Element::kBFloat16)
    return {Element::kBFloat16, "bf16 (as the run began; amp=False for fp32)" + slow};
  if (!multiplies_bfloat16)
    return {Element::kFloat32, "fp32 (amp=True, but this processor has no bf16 multiplication)"};
  if (kept == Element::kFloat32)
    return {Element::kFloat32, "fp32 (as the run began; amp=bf16 for bf16)"};
  return {Element::kBFloat16, "bf16 (amp=True on a processor with bf16; amp=False for fp32)"};
}

PrecisionChoice ChoosePrecision(Precision amp, at::Device device, std::optional<Element> kept) {
  if (!device.is_cpu()) return {Element::kFloat32, "fp32 (not yet tested on a GPU)"};
  return ChooseCpuPrecision(amp, kept, MultipliesBFloat16());
}

std::string_view PrecisionName(Element activation) {
  return activation == Element::kBFloat16 ? "bf16" : "fp32";
}

std::optional<Element> ParsePrecision(std::string_view name) {
  for (const Element element : {Element::kFloat32, Element::kBFloat16}) {
    if (PrecisionName(element) == name) return element;
  }
  return std::nullopt;
}

OpsChoice ParseOps(const std::string& ops) {
  return ops == "reference" ? OpsChoice::kReference
         : ops == "fused"   ? OpsChoice::kFused
                            : OpsChoice::kAuto;
}

Recompute ParseRecompute(const std::string& recompute) {
  return recompute == "none"     ? Recompute::kNone
         : recompute == "blocks" ? Recompute::kBlocks
                                 : Recompute::kActivations;
}

std::vector<std::string> ClassNames(const DatasetConfig& data, bool single_cls) {
  return single_cls ? std::vector<std::string>{"item"} : data.names;
}

DatasetIndex BuildIndex(const DatasetConfig& data, const std::string& split, const Options& options,
                        Budget* budget) {
  DatasetIndexOptions index{.split = split,
                            .sources = data.Split(split),
                            .num_classes = options.single_cls ? 0 : data.classes()};
  index.filter.single_class = options.single_cls;
  index.filter.only_classes.assign(options.classes.begin(), options.classes.end());
  const SplitShare share = options.ShareOf(split);
  index.fraction = {.ratio = share.ratio, .count = share.count};
  index.needs_labels = split == "train";
  index.budget = budget;
  return DatasetIndex::Build(index);
}

LoadedModel LoadForTraining(const Options& options, const std::vector<std::string>& names,
                            const Settings& settings, at::Device device, Element convolution) {
  LoadedModel loaded;
  ModelOptions model_options{.classes = static_cast<std::int64_t>(names.size()),
                             .ops = ParseOps(options.ops)};
  if (IsYaml(options.model)) {
    if (!options.pretrained_file.empty())
      loaded.file = ReadWeights(options.pretrained_file, settings);
    loaded.model = BuildModel(ReadModelYaml(options.model), model_options, device);
  } else {
    loaded.file = ReadWeights(options.model, settings);
    ModelConfig config = ConfigOf(*loaded.file, options.model);
    if (options.pretrained) {
      model_options.class_width = ClassWidthOf(*loaded.file);
    } else {
      config.modules.reset();  // Its rows alone, for these classes, as the reference builds it.
    }
    loaded.model = BuildModel(config, model_options, device);
    loaded.names = loaded.file->names;
  }
  loaded.model.parameters->Allocate(device, convolution, true);
  InitializeParameters(loaded.model, options.seed);
  if (!options.pretrained) return loaded;
  if (!options.pretrained_file.empty() && !IsYaml(options.model))
    loaded.file = ReadWeights(options.pretrained_file, settings);
  if (loaded.file) CopyInto(&loaded, *loaded.file, names, options.cls_remap);
  return loaded;
}

LoadedModel LoadForValidation(const Options& options, const Settings& settings, at::Device device,
                              Element convolution) {
  LoadedModel loaded;
  ModelOptions model_options{.ops = ParseOps(options.ops)};
  if (IsYaml(options.model)) {
    if (options.pretrained_file.empty()) {
      throw ConfigError(
          fmt::format("model={} has no weights; name a .pt, or the weights with pretrained=FILE.pt",
                      options.model));
    }
    loaded.file = ReadWeights(options.pretrained_file, settings);
    model_options.classes = ClassCountOf(*loaded.file);
    model_options.class_width = ClassWidthOf(*loaded.file);
    loaded.model = BuildModel(ReadModelYaml(options.model), model_options, device);
  } else {
    loaded.file = ReadWeights(options.model, settings);
    model_options.classes = ClassCountOf(*loaded.file);
    model_options.class_width = ClassWidthOf(*loaded.file);
    loaded.names = loaded.file->names;
    loaded.model = BuildModel(ConfigOf(*loaded.file, options.model), model_options, device);
  }
  loaded.model.parameters->Allocate(device, convolution, false);
  InitializeParameters(loaded.model, 0);
  const Transfer transfer = CopyWeights(*loaded.file, loaded.model);
  if (transfer.copied != transfer.all) {
    throw DataError(fmt::format(
        "only {} of the model's {} entries are in {}: model and weights do not belong together "
        "(classes {}, widths)",
        transfer.copied, transfer.all,
        IsYaml(options.model) ? options.pretrained_file : options.model, model_options.classes));
  }
  return loaded;
}

std::vector<std::string> NamesOfAllClasses(const LoadedModel& loaded) {
  std::vector<std::string> names = loaded.names;
  for (auto i = static_cast<std::int64_t>(names.size()); i < loaded.model.options.classes; ++i)
    names.push_back(fmt::format("class_{}", i));
  return names;
}

}  // namespace headroom
