// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/checkpoint_options.h"
#include "headroom/cli/commands.h"
#include "headroom/cli/process_setup.h"
#include "headroom/config/settings.h"
#include "headroom/core/log.h"
#include "headroom/deploy/exported_detector.h"
#include "headroom/deploy/onnx_export.h"
#include "headroom/deploy/torchscript_export.h"
#include "headroom/memory/reservation.h"
#include "headroom/monitor/runtime_reservation.h"
#include "headroom/train/run_setup.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

namespace headroom {
namespace {

namespace fs = std::filesystem;

enum class ExportFormat : std::uint8_t { kOnnx, kTorchScript };

ExportFormat ParseFormat(const std::string& format) {
  if (format == "onnx") return ExportFormat::kOnnx;
  if (format == "torchscript") return ExportFormat::kTorchScript;
  throw ConfigError(
      fmt::format("format={} is not supported; format=onnx and format=torchscript are. Other tools "
                  "convert the ONNX file (TensorRT's trtexec, OpenVINO's ovc, ncnn's pnnx)",
                  format));
}

void RefuseExported(const std::string& model) {
  if (!IsExportedModel(model)) return;
  throw ConfigError(
      fmt::format("model={} is exported already; name the .pt that it was made from", model));
}

ExportOutput ChooseOutput(const Options& options, const Model& model) {
  if (!options.nms.has_value()) return ExportOutput::kPredictions;
  if (*options.nms) return ExportOutput::kSuppressed;
  if (model.one_to_one) return ExportOutput::kEndToEnd;
  LogWarning("nms=False: this model has no end-to-end head; its predictions are exported as usual");
  return ExportOutput::kPredictions;
}

ExportOptions MakeExportOptions(const ParsedCommand& command, const Options& options,
                                const LoadedModel& loaded) {
  ExportOptions result;
  result.form.output = ChooseOutput(options, loaded.model);
  result.form.images = command.Find("batch") == nullptr || options.batch < 1
                           ? 1
                           : static_cast<std::int64_t>(options.batch);
  result.form.extent = {options.image_height, options.image_width};
  result.form.dynamic = options.set.Get("dynamic").AsBool();
  result.form.suppression = {.confidence = static_cast<float>(options.conf.value_or(0.25)),
                             .iou = static_cast<float>(options.iou),
                             .max_detections = options.max_det};
  if (options.half) result.precision = ExportPrecision::kFloat16;
  if (const OptionValue& opset = options.set.Get("opset"); !opset.is_null())
    result.opset = opset.AsInt();
  result.names = NamesOfAllClasses(loaded);
  result.description = fmt::format("{} model{}", loaded.model.config.Name(),
                                   options.data.empty() ? "" : " trained on " + options.data);
  result.version = kVersion;
  return result;
}

}  // namespace

ExitCode RunExport(const ParsedCommand& command) {
  const Options options = OptionsForModel(command, "export");
  const ExportFormat format = ParseFormat(options.set.Get("format").ToText());
  RefuseExported(options.model);
  Budget& budget = SetUpProcess(options);
  LoadedModel loaded =
      LoadForValidation(options, ReadSettings(), ChooseDevice("cpu"), Element::kFloat32);
  loaded.file.reset();  // Its weights are in the model now.
  const ExportOptions export_options = MakeExportOptions(command, options, loaded);
  const RuntimeReservation runtime(budget);
  const bool onnx = format == ExportFormat::kOnnx;
  // TorchScript's copy of the weights is tensors, which their allocator charges.
  const Bytes copy = onnx ? EstimateMemory(export_options, loaded.model).Total() : Bytes();
  const Reservation writing(budget, MemoryTag::kCheckpoint, copy);
  const fs::path file = fs::path(options.model).replace_extension(onnx ? ".onnx" : ".torchscript");
  (onnx ? ExportOnnx : ExportTorchScript)(file, loaded.model, export_options);
  std::printf(
      "Export complete: %s (%.1f MB)\nPredict:  yolo predict model=%s imgsz=%d source=...\n"
      "Validate: yolo val model=%s imgsz=%d data=...\n",
      file.c_str(), static_cast<double>(fs::file_size(file)) / 1e6, file.c_str(),
      options.image_width, file.c_str(), options.image_width);
  return ExitCode::kDone;
}

}  // namespace headroom
