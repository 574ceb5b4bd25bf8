// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/checkpoint_options.h"
#include "headroom/cli/commands.h"
#include "headroom/cli/process_setup.h"
#include "headroom/config/settings.h"
#include "headroom/core/log.h"
#include "headroom/deploy/exported_detector.h"
#include "headroom/deploy/onnx_export.h"
#include "headroom/deploy/onnx_runner.h"
#include "headroom/deploy/torchscript_export.h"
#include "headroom/memory/reservation.h"
#include "headroom/monitor/runtime_reservation.h"
#include "headroom/train/run_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  result.form.dynamic = options.dynamic;
  result.form.suppression = {.confidence = static_cast<float>(options.conf.value_or(0.25)),
                             .iou = static_cast<float>(options.iou),
                             .max_detections = options.max_det};
  if (options.half) result.precision = ExportPrecision::kFloat16;
  if (options.opset) result.opset = *options.opset;
  result.names = NamesOfAllClasses(loaded);
  result.description = fmt::format("{} model{}", loaded.model.config.Name(),
                                   options.data.empty() ? "" : " trained on " + options.data);
  result.version = kVersion;
  return result;
}

// One word of a shell's command line.
std::string ShellWord(const std::string& text) {
  constexpr std::string_view kPlain = "._/=,:+-@%";
  const bool plain = std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return std::isalnum(c) != 0 || kPlain.find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// The command as it was typed, but for one option.
std::string CommandWith(const ParsedCommand& command, std::string_view key,
                        const OptionValue& value) {
  std::vector<Override> overrides = command.overrides;
  Set(key, value, &overrides);
  std::string text = "yolo export";
  for (const Override& one : overrides)
    text += " " + ShellWord(fmt::format("{}={}", one.key, one.value.ToText()));
  return text;
}

// What can be done with the file, as commands that work.
std::string NextCommands(const ParsedCommand& command, const fs::path& file,
                         const NetworkForm& form) {
  const auto [height, width] = form.extent;
  const std::int64_t longer = std::max(height, width);
  const bool square = height == width;
  const std::string model = ShellWord("model=" + file.string());
  std::string text =
      fmt::format("Predict:  yolo predict {} imgsz={} source=...\n", model,
                  square ? fmt::format("{}", width) : fmt::format("{},{}", height, width));
  if (square || form.dynamic)
    return text + fmt::format("Validate: yolo val {} imgsz={} data=...\n", model, longer);
  return text + fmt::format("Validate: val takes square pictures; a file for it: {}\n",
                            CommandWith(command, "imgsz", OptionValue(longer)));
}

std::string ForOtherRuntimes(const ParsedCommand& command, const std::string& why) {
  return fmt::format(
      "This file is for other runtimes (ONNX Runtime). Predict and val of this program run ONNX in "
      "OpenCV: {}. A file that they run: {}\n",
      why, CommandWith(command, "format", OptionValue("torchscript")));
}

}  // namespace

ExitCode RunExport(const ParsedCommand& command) {
  const Options options = OptionsForModel(command, "export");
  const ExportFormat format = ParseFormat(options.format);
  RefuseExported(options.model);
  // The export runs on the CPU; a device that is not there is a mistake all the same.
  (void)ChooseDevice(options.device);
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
  std::optional<std::string> obstacle;
  if (onnx) obstacle = WhyOpenCvCannotRun(file);
  const std::string next = obstacle ? ForOtherRuntimes(command, *obstacle)
                                    : NextCommands(command, file, export_options.form);
  std::printf("Export complete: %s (%.1f MB)\n%s", file.c_str(),
              static_cast<double>(fs::file_size(file)) / 1e6, next.c_str());
  return ExitCode::kDone;
}

}  // namespace headroom
