// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/checkpoint_options.h"
#include "headroom/cli/commands.h"
#include "headroom/cli/open_detector.h"
#include "headroom/cli/process_setup.h"
#include "headroom/config/run_folder.h"
#include "headroom/config/settings.h"
#include "headroom/core/log.h"
#include "headroom/deploy/class_choice.h"
#include "headroom/deploy/prediction_output.h"
#include "headroom/deploy/predictor.h"
#include "headroom/detect/detection_text.h"
#include "headroom/monitor/runtime_reservation.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

namespace headroom {
namespace {

namespace fs = std::filesystem;

DetectorOptions MakeDetectorOptions(const Options& options) {
  return {.confidence = static_cast<float>(options.conf.value_or(0.25)),
          .iou = static_cast<float>(options.iou),
          .max_detections = options.max_det,
          .agnostic = options.agnostic_nms,
          .classes = {options.classes.begin(), options.classes.end()}};
}

PredictionOutputOptions MakeOutputOptions(const Options& options, const fs::path& folder) {
  return {.folder = folder,
          .save = options.save,
          .save_frames = options.save_frames,
          .save_txt = options.save_txt,
          .save_conf = options.save_conf,
          .save_crop = options.save_crop,
          .style = {.line_width = options.line_width.value_or(0),
                    .boxes = options.show_boxes,
                    .labels = options.show_labels,
                    .confidences = options.show_conf}};
}

// "image 1/8 a.jpg: 320x320 2 cats, 12.3ms"
std::string FrameLine(const PredictedFrame& predicted, const MediaList& media,
                      std::span<const std::string> names) {
  const MediaFrame& frame = predicted.frame;
  std::string place =
      fmt::format("{} {}/{} ", frame.frame > 0 ? "video" : "image", frame.item + 1, media.size());
  if (frame.frame > 0) place += fmt::format("(frame {}/{}) ", frame.frame, frame.frame_count);
  return fmt::format("{}{}: {}x{} {}{:.1f}ms\n", place, frame.path, predicted.network.height,
                     predicted.network.width, DetectionSummary(predicted.detections, names),
                     predicted.inference_ms);
}

std::string SpeedLine(const PredictionTimes& times, int batch) {
  const auto images = static_cast<double>(times.images);
  return fmt::format(
      "Speed: {:.1f}ms preprocess, {:.1f}ms inference, {:.1f}ms postprocess per image at shape "
      "({}, 3, {}, {}), {:.1f} images/s with reading and saving\n",
      times.preprocess_ms / images, times.inference_ms / images, times.postprocess_ms / images,
      batch, times.network.height, times.network.width, images / times.wall_seconds);
}

}  // namespace

ExitCode RunPredict(const ParsedCommand& command) {
  const Options options = OptionsForModel(command, "predict");
  if (options.sources.empty()) {
    throw ConfigError(
        "source= is missing: name an image, a video, a folder, a pattern ('images/*.jpg') or a "
        ".txt list of paths");
  }
  const MediaList media = FindMedia(options.sources);
  Budget& budget = SetUpProcess(options);
  InstallInterruptHandler();
  const Settings settings = ReadSettings();
  WarnOfPrecision(options);
  OpenedModel opened(options, settings, &budget);
  Detector& detector = opened.MakeDetector(MakeDetectorOptions(options));
  RuntimeReservation runtime(budget);
  const std::vector<std::string>& names = detector.facts().names;
  WarnOfUnknownClasses(options.classes, names);
  const fs::path folder = ChooseRunFolder({.runs_dir = settings.runs_dir,
                                           .mode = "predict",
                                           .project = options.project,
                                           .name = options.name,
                                           .exist_ok = options.exist_ok});
  const PredictionOutputOptions output_options = MakeOutputOptions(options, folder);
  const bool writes = output_options.save || output_options.save_frames ||
                      output_options.save_txt || output_options.save_crop;
  if (writes) CreateRunFolder(folder, false);
  PredictionOutput output(output_options, names, &budget);
  const int batch =
      command.Find("batch") == nullptr || options.batch < 1 ? 1 : static_cast<int>(options.batch);
  Predictor predictor(detector,
                      {.image_size = {options.image_height, options.image_width},
                       .batch = batch,
                       .video_step = options.vid_stride},
                      &budget);
  const PredictionTimes times = predictor.Run(
      media,
      [&](const PredictedFrame& predicted) {
        if (options.verbose) std::fputs(FrameLine(predicted, media, names).c_str(), stdout);
        output.Write(predicted);
      },
      [&] {
        runtime.Update();
        return Interrupted();
      });
  if (times.images == 0) {
    throw Error(times.too_large > 0 ? ExitCode::kMemory : ExitCode::kData,
                "nothing in source= could be read; see the warnings above");
  }
  std::fputs(SpeedLine(times, batch).c_str(), stdout);
  if (times.unreadable > 0) {
    LogWarning(fmt::format("{} of {} files were passed over; see the warnings above",
                           times.unreadable, media.size()));
  }
  if (writes) std::printf("Results saved to %s\n", folder.c_str());
  if (options.save_txt) {
    if (const auto labels = output.labels().Summary()) std::printf("%s\n", labels->c_str());
  }
  if (output.not_written() > 0) {
    LogWarning(
        fmt::format("the pictures of {} of {} files were not written; see the warnings above",
                    output.not_written(), media.size()));
  }
  return times.too_large + output.not_written() > 0 ? ExitCode::kMemory : ExitCode::kDone;
}

}  // namespace headroom
