// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/validator.h"

#include "headroom/core/error.h"
#include "headroom/data/pipelined_loader.h"
#include "headroom/detect/end_to_end.h"
#include "headroom/detect/nms.h"
#include "headroom/memory/reservation.h"
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

ConfusionMatrixOptions MatrixOptions(const Model& model, const ValidatorOptions& options) {
  return {.class_count = static_cast<int>(model.options.classes),
          .confidence = options.matrix_confidence};
}

// The default limit is raised to what the most crowded image holds (recipe-8.4, 8.1).
int MaxDetections(const DatasetIndex& index, int asked) {
  constexpr int kDefault = 300;
  return asked == kDefault ? std::max(kDefault, static_cast<int>(index.labels().MaxCount()))
                           : asked;
}

}  // namespace

// Everything that one validation holds.
struct Validator::Pass {
  Pass(const Validator& v, std::unique_ptr<LetterboxSource> source)
      : batches(source->batches()),
        reservation(
            v.budget_ == nullptr
                ? Reservation()
                : Reservation(*v.budget_, MemoryTag::kValidation,
                              EstimateMemory(v.index_, static_cast<int>(v.model_.options.classes),
                                             v.options_.max_detections)
                                  .Total())),
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
        records(static_cast<int>(v.model_.options.classes)) {
    MakeLoader(v, std::move(source), 0);
  }

  // The loader as the validator's options want it now, from image `first` on. The old one goes
  // first.
  void MakeLoader(const Validator& v, std::unique_ptr<LetterboxSource> source, std::int64_t first) {
    loader.reset();
    const std::int64_t at_once = std::min<std::int64_t>(
        {v.options_.at_once, v.options_.batch, static_cast<std::int64_t>(v.index_.size())});
    loader =
        std::make_unique<PipelinedLoader>(std::move(source),
                                          LoaderOptions{.workers = v.options_.workers,
                                                        .max_in_flight = static_cast<int>(at_once),
                                                        .prefetch = v.options_.prefetch},
                                          v.budget_);
    loader->StartEpoch(0, first);
  }

  RectBatches batches;
  Reservation reservation;
  std::unique_ptr<PipelinedLoader> loader;
  NonMaximumSuppression nms;
  EndToEndSelection end_to_end;
  PredictionMatcher matcher;
  MatchRecords records;
  BatchTargets targets;
  std::vector<std::vector<Detection>> found;  // Of the piece's images.
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
  options_.max_detections = MaxDetections(index, options.max_detections);
}

MemoryNeed Validator::EstimateMemory(const DatasetIndex& index, int classes, int max_detections) {
  const int most = MaxDetections(index, max_detections);
  return headroom::EstimateMemory(NmsOptions{.class_count = classes, .max_detections = most}) +
         headroom::EstimateMemory(MatchRecordsOptions{
             .class_count = classes, .images = index.size(), .max_detections = most});
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

HeadSums Validator::RunPiece(Pass& pass, std::int64_t first, std::int64_t count) {
  auto start = Clock::now();
  const ImageSize shape = pass.batches.ShapeOf(static_cast<std::size_t>(first));
  LoadProgram(count, {shape.height, shape.width}, pass.loss != nullptr);
  FillBatch(*pass.loader, first, count, executor_.input(), &pass.targets);
  pass.speed.preprocess_ms += MillisecondsSince(start);
  start = Clock::now();
  executor_.Forward();
  pass.speed.inference_ms += MillisecondsSince(start);
  start = Clock::now();
  const HeadSums sums =
      pass.loss != nullptr ? pass.loss->Forward(executor_.outputs(), pass.targets) : HeadSums{};
  pass.speed.loss_ms += MillisecondsSince(start);
  start = Clock::now();
  Detect(pass, count);
  pass.speed.postprocess_ms += MillisecondsSince(start);
  return sums;
}

void Validator::Detect(Pass& pass, std::int64_t count) {
  std::vector<at::Tensor> host;
  for (const at::Tensor& output : executor_.outputs())
    host.push_back(output.defined() ? output.cpu() : output);
  const HeadOutputs& head = options_.end_to_end ? *model_.one_to_one : model_.one_to_many;
  pass.found.resize(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::vector<HeadLevelView> levels = LevelViews(host, head, model_.strides, i);
    const HeadView view{.levels = levels,
                        .class_count = static_cast<int>(model_.options.classes),
                        .reg_max = static_cast<int>(model_.reg_max)};
    const std::span<const Detection> detections =
        options_.end_to_end ? pass.end_to_end.Run(view) : pass.nms.Run(view);
    std::vector<Detection>& found = pass.found[static_cast<std::size_t>(i)];
    found.assign(detections.begin(), detections.end());
    if (!options_.single_class) continue;
    for (Detection& detection : found) detection.class_id = 0;
  }
}

void Validator::Commit(Pass& pass, const HeadSums& sums, std::int64_t first, std::int64_t count) {
  pass.sums += sums;
  std::vector<TrueBox> labels;
  for (std::int64_t i = 0; i < count; ++i) {
    const Clock::time_point start = Clock::now();
    const std::vector<Detection>& detections = pass.found[static_cast<std::size_t>(i)];
    labels.clear();
    for (const TargetBox& target : pass.targets.image(i))
      labels.push_back({target.box, target.class_id});
    pass.records.AddImage(detections, pass.matcher.Match(detections, labels), labels);
    confusion_.AddImage(detections, labels);
    pass.speed.postprocess_ms += MillisecondsSince(start);
    if (*pass.on_image) {  // It draws and writes, which is not the model's time.
      const Sample& sample = pass.loader->Get(first + i);
      (*pass.on_image)({sample.image_index, detections, &sample});
    }
  }
  pass.loader->Acknowledge(first + count);
}

bool Validator::MayTryAgain(const std::exception& failure, int failures, bool smallest) {
  const std::optional<std::string> what = OutOfMemoryText(failure);
  if (!what || !on_out_of_memory || (failures > 1 && smallest)) return false;
  return on_out_of_memory(*what, failures);
}

void Validator::LoadLess() {
  options_.at_once = (options_.at_once + 1) / 2;
  options_.workers = std::min(options_.workers, std::max(options_.workers / 2, 1));
  options_.prefetch = std::max(options_.workers, 2);
}

std::unique_ptr<LetterboxSource> Validator::MakeSource() const {
  return std::make_unique<LetterboxSource>(
      LetterboxSourceOptions{
          .image_size = options_.image_size, .batch = options_.batch, .rect = options_.rect},
      index_, nullptr);
}

std::unique_ptr<Validator::Pass> Validator::MakePass() {
  for (int failures = 0;;) {
    try {
      return std::make_unique<Pass>(*this, MakeSource());
    } catch (const std::exception& failure) {
      const int refused = CountFailure(failure, &failures);
      if (!MayTryAgain(failure, refused, options_.at_once == 1 && options_.workers <= 1)) throw;
      if (refused > 1) LoadLess();
    }
  }
}

void Validator::RemakeLoader(Pass& pass, std::int64_t first) {
  for (int failures = 0;;) {
    try {
      return pass.MakeLoader(*this, MakeSource(), first);
    } catch (const std::exception& failure) {
      const int refused = CountFailure(failure, &failures);
      if (!MayTryAgain(failure, refused, options_.at_once == 1 && options_.workers <= 1)) throw;
      if (refused > 1) LoadLess();
    }
  }
}

void Validator::RunNominalBatch(Pass& pass, std::int64_t first, std::int64_t end) {
  int failures = 0;
  while (first < end) {
    const std::int64_t count = std::min(options_.at_once, end - first);
    HeadSums sums;
    try {
      sums = RunPiece(pass, first, count);
    } catch (const std::exception& failure) {
      const int refused = CountFailure(failure, &failures);
      if (!MayTryAgain(failure, refused, count == 1 && options_.workers <= 1)) throw;
      if (refused > 1) {
        options_.at_once = count;
        LoadLess();
        RemakeLoader(pass, first);
      }
      continue;
    }
    Commit(pass, sums, first, count);
    failures = 0;
    first += count;
  }
}

ValidationResult Validator::Run(HeadLoss* loss,
                                const std::function<void(const ImageDetections&)>& on_image,
                                const std::function<void(std::int64_t, std::int64_t)>& on_progress,
                                const std::function<bool()>& stop) {
  confusion_ = ConfusionMatrix(MatrixOptions(model_, options_));
  const std::unique_ptr<Pass> made = MakePass();
  Pass& pass = *made;
  pass.loss = loss;
  pass.on_image = &on_image;
  const std::int64_t images = pass.loader->size();
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
