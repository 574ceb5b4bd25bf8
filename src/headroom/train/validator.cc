// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/validator.h"

#include "headroom/core/error.h"
#include "headroom/data/letterbox_source.h"
#include "headroom/data/pipelined_loader.h"
#include "headroom/detect/end_to_end.h"
#include "headroom/detect/nms.h"
#include "headroom/metrics/match_predictions.h"
#include "headroom/metrics/match_records.h"
#include "headroom/train/image_batch.h"
#include "headroom/train/out_of_memory.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>

namespace headroom {
namespace {

using Clock = std::chrono::steady_clock;

double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Pointers into the maps of one image.
std::vector<HeadLevelView> LevelViews(std::span<const at::Tensor> outputs, const HeadOutputs& head,
                                      std::span<const int> strides, std::int64_t image) {
  std::vector<HeadLevelView> levels;
  for (std::size_t i = 0; i < head.boxes.size(); ++i) {
    const at::Tensor& boxes = outputs[head.boxes[i]];
    const at::Tensor& classes = outputs[head.classes[i]];
    HeadLevelView level;
    level.boxes = boxes.const_data_ptr<float>() + image * boxes.stride(0);
    level.classes = classes.const_data_ptr<float>() + image * classes.stride(0);
    level.box_row_stride = static_cast<std::size_t>(boxes.stride(3));
    level.class_row_stride = static_cast<std::size_t>(classes.stride(3));
    level.height = static_cast<int>(boxes.size(2));
    level.width = static_cast<int>(boxes.size(3));
    level.stride = strides[i];
    levels.push_back(level);
  }
  return levels;
}

std::span<const Detection> AsOneClass(std::span<const Detection> detections,
                                      std::vector<Detection>& copy) {
  copy.assign(detections.begin(), detections.end());
  for (Detection& detection : copy) detection.class_id = 0;
  return copy;
}

ConfusionMatrixOptions MatrixOptions(const Model& model, const ValidatorOptions& options) {
  return {.class_count = static_cast<int>(model.options.classes),
          .confidence = options.matrix_confidence};
}

}  // namespace

// Everything that one validation holds.
struct Validator::Pass {
  Pass(const Validator& v, std::unique_ptr<LetterboxSource> source)
      : batches(source->batches()),
        loader(
            std::move(source),
            {.workers = v.options_.workers, .max_in_flight = static_cast<int>(v.options_.at_once)},
            v.budget_),
        nms({.class_count = static_cast<int>(v.model_.options.classes),
             .confidence = v.options_.confidence,
             .iou = v.options_.iou,
             .max_detections = v.options_.max_detections,
             .labels = LabelsPerAnchor::kAll,
             .agnostic = v.options_.agnostic,
             .classes = v.options_.classes}),
        end_to_end({.class_count = static_cast<int>(v.model_.options.classes),
                    .confidence = v.options_.confidence,
                    .max_detections = v.options_.max_detections,
                    .agnostic = v.options_.agnostic,
                    .classes = v.options_.classes}),
        records(static_cast<int>(v.model_.options.classes)) {}

  RectBatches batches;
  PipelinedLoader loader;
  NonMaximumSuppression nms;
  EndToEndSelection end_to_end;
  PredictionMatcher matcher;
  MatchRecords records;
  BatchTargets targets;
  std::vector<Detection> one_class;
  HeadLoss* loss = nullptr;
  HeadSums sums;  // Of the nominal batch.
  LossItems items{};
  std::int64_t batches_done = 0;
  ValidationSpeed speed;
  const std::function<void(const ImageDetections&)>* on_image = nullptr;
};

Validator::Validator(Model& model, Executor& executor, const DatasetIndex& index,
                     const ValidatorOptions& options, Budget* budget)
    : model_(model),
      executor_(executor),
      index_(index),
      options_(options),
      budget_(budget),
      confusion_(MatrixOptions(model, options)) {
  // The limit is raised to what the most crowded image holds (recipe-8.4, 8.1).
  if (options_.max_detections == 300) {
    options_.max_detections = std::max(300, static_cast<int>(index.labels().MaxCount()));
  }
}

void Validator::LoadProgram(std::int64_t images, const Extent& extent, bool all_heads) {
  ProgramOptions program{.purpose = Purpose::kInference,
                         .images = images,
                         .extent = extent,
                         .activation = options_.activation,
                         .place_foreign = model_.parameters->values.is_cpu()};
  if (model_.one_to_one && !all_heads) {
    program.wanted_outputs.assign(model_.graph->outputs().size(), false);
    const HeadOutputs& head = options_.end_to_end ? *model_.one_to_one : model_.one_to_many;
    for (const auto* list : {&head.boxes, &head.classes}) {
      for (const std::size_t output : *list) program.wanted_outputs[output] = true;
    }
  }
  if (executor_.loaded()) {
    const ProgramOptions& now = executor_.program().options;
    if (now.purpose == Purpose::kInference && now.images == images && now.extent == extent &&
        now.wanted_outputs == program.wanted_outputs)
      return;
  }
  executor_.Load(Lower(*model_.graph, program));
}

void Validator::RunPiece(Pass& pass, std::int64_t first, std::int64_t count) {
  auto start = Clock::now();
  const ImageSize shape = pass.batches.ShapeOf(static_cast<std::size_t>(first));
  LoadProgram(count, {shape.height, shape.width}, pass.loss != nullptr);
  FillBatch(pass.loader, first, count, executor_.input(), &pass.targets);
  pass.speed.preprocess_ms += MillisecondsSince(start);
  start = Clock::now();
  executor_.Forward();
  pass.speed.inference_ms += MillisecondsSince(start);
  start = Clock::now();
  const HeadSums sums =
      pass.loss != nullptr ? pass.loss->Forward(executor_.outputs(), pass.targets) : HeadSums{};
  // Nothing was kept so far, so that a failure for lack of memory can be repeated.
  pass.sums += sums;
  pass.speed.loss_ms += MillisecondsSince(start);
  start = Clock::now();
  Judge(pass, first, count);
  pass.speed.postprocess_ms += MillisecondsSince(start);
  pass.loader.Acknowledge(first + count);
}

void Validator::Judge(Pass& pass, std::int64_t first, std::int64_t count) {
  std::vector<at::Tensor> host;
  for (const at::Tensor& output : executor_.outputs())
    host.push_back(output.defined() ? output.cpu() : output);
  const HeadOutputs& head = options_.end_to_end ? *model_.one_to_one : model_.one_to_many;
  std::vector<TrueBox> labels;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::vector<HeadLevelView> levels = LevelViews(host, head, model_.strides, i);
    const HeadView view{.levels = levels,
                        .class_count = static_cast<int>(model_.options.classes),
                        .reg_max = static_cast<int>(model_.reg_max)};
    std::span<const Detection> detections =
        options_.end_to_end ? pass.end_to_end.Run(view) : pass.nms.Run(view);
    if (options_.single_class) detections = AsOneClass(detections, pass.one_class);
    labels.clear();
    for (const TargetBox& target : pass.targets.image(i))
      labels.push_back({target.box, target.class_id});
    pass.records.AddImage(detections, pass.matcher.Match(detections, labels), labels);
    confusion_.AddImage(detections, labels);
    if (*pass.on_image) {
      const Sample& sample = pass.loader.Get(first + i);
      (*pass.on_image)({sample.image_index, detections, &sample});
    }
  }
}

void Validator::RunNominalBatch(Pass& pass, std::int64_t first, std::int64_t end) {
  int failures = 0;
  while (first < end) {
    const std::int64_t count = std::min(options_.at_once, end - first);
    try {
      RunPiece(pass, first, count);
    } catch (const std::exception& failure) {
      const std::optional<std::string> what = OutOfMemoryText(failure);
      if (!what || !on_out_of_memory || (failures > 0 && count == 1)) throw;
      if (++failures > 1) options_.at_once = (count + 1) / 2;
      if (!on_out_of_memory(*what, failures)) throw;
      continue;
    }
    failures = 0;
    first += count;
  }
}

ValidationResult Validator::Run(HeadLoss* loss,
                                const std::function<void(const ImageDetections&)>& on_image,
                                const std::function<void(std::int64_t, std::int64_t)>& on_progress,
                                const std::function<bool()>& stop) {
  confusion_ = ConfusionMatrix(MatrixOptions(model_, options_));
  const LetterboxSourceOptions source_options{
      .image_size = options_.image_size, .batch = options_.batch, .rect = options_.rect};
  Pass pass(*this, std::make_unique<LetterboxSource>(source_options, index_, nullptr));
  pass.loss = loss;
  pass.on_image = &on_image;
  const std::int64_t images = pass.loader.size();
  pass.loader.StartEpoch(0, 0);
  for (std::int64_t batch = 0; batch < images; batch += options_.batch) {
    const std::int64_t end = std::min<std::int64_t>(batch + options_.batch, images);
    pass.sums = {};
    RunNominalBatch(pass, batch, end);
    if (loss != nullptr) {
      const LossItems items = loss->Items(pass.sums);
      for (std::size_t i = 0; i < items.size(); ++i) pass.items[i] += items[i];
    }
    ++pass.batches_done;
    if (on_progress) on_progress(pass.batches_done, (images + options_.batch - 1) / options_.batch);
    if (stop && stop()) throw Error(ExitCode::kInterrupted, "validation was interrupted");
  }
  ValidationResult result;
  result.metrics = ComputeMetrics(pass.records);
  result.images = images;
  const auto count = static_cast<double>(images);
  result.speed = {pass.speed.preprocess_ms / count, pass.speed.inference_ms / count,
                  pass.speed.loss_ms / count, pass.speed.postprocess_ms / count};
  if (loss != nullptr) {
    result.losses = pass.items;
    for (double& item : *result.losses) item /= static_cast<double>(pass.batches_done);
  }
  return result;
}

}  // namespace headroom
