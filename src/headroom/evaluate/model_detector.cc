// SPDX-License-Identifier: Apache-2.0
#include "headroom/evaluate/model_detector.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

namespace headroom {
namespace {

DetectorFacts FactsOf(const Model& model, std::vector<std::string> names, bool one_to_one) {
  DetectorFacts facts;
  facts.stride = *std::max_element(model.strides.begin(), model.strides.end());
  facts.fixed_size = false;
  facts.names = std::move(names);
  facts.names.resize(static_cast<std::size_t>(model.options.classes));
  facts.end_to_end = one_to_one && model.one_to_one.has_value();
  return facts;
}

}  // namespace

ModelDetector::ModelDetector(Model& model, Executor& executor, std::vector<std::string> names,
                             const ModelDetectorOptions& options,
                             const DetectorOptions& detector_options, Budget* budget)
    : model_(model),
      executor_(executor),
      options_(options),
      facts_(FactsOf(model, std::move(names), options.one_to_one)),
      selector_(detector_options, static_cast<int>(model.options.classes), facts_.end_to_end,
                budget) {}

const HeadOutputs& ModelDetector::head() const {
  return facts_.end_to_end ? *model_.one_to_one : model_.one_to_many;
}

ProgramOptions ModelDetector::ProgramFor(int images, ImageSize size) const {
  ProgramOptions program{.purpose = Purpose::kInference,
                         .images = images,
                         .extent = {size.height, size.width},
                         .activation = options_.activation,
                         .place_foreign = model_.parameters->values.is_cpu()};
  if (options_.all_heads) return program;
  program.wanted_outputs.assign(model_.graph->outputs().size(), false);
  for (const auto* list : {&head().boxes, &head().classes}) {
    for (const std::size_t output : *list) program.wanted_outputs[output] = true;
  }
  return program;
}

std::span<std::uint8_t> ModelDetector::Prepare(int images, ImageSize size) {
  const ProgramOptions program = ProgramFor(images, size);
  const auto is_loaded = [&] {
    if (!executor_.loaded()) return false;
    const ProgramOptions& now = executor_.program().options;
    return now.purpose == program.purpose && now.images == program.images &&
           now.extent == program.extent && now.wanted_outputs == program.wanted_outputs;
  };
  if (!is_loaded()) executor_.Load(Lower(*model_.graph, program));
  at::Tensor& input = executor_.input();
  if (!input.is_cpu()) {
    staging_ = at::empty({images, size.height, size.width, 3}, at::kByte);
    return {staging_.mutable_data_ptr<std::uint8_t>(), static_cast<std::size_t>(staging_.numel())};
  }
  return {input.mutable_data_ptr<std::uint8_t>(), static_cast<std::size_t>(input.numel())};
}

void ModelDetector::Run() {
  if (staging_.defined()) executor_.input().copy_(staging_.permute({0, 3, 1, 2}));
  executor_.Forward();
  outputs_.clear();
  for (const at::Tensor& output : executor_.outputs())
    outputs_.push_back(output.defined() ? output.cpu() : output);
}

std::span<const Detection> ModelDetector::Detections(int image) {
  std::vector<HeadLevelView> levels;
  for (std::size_t i = 0; i < head().boxes.size(); ++i) {
    const at::Tensor& boxes = outputs_[head().boxes[i]];
    const at::Tensor& classes = outputs_[head().classes[i]];
    levels.push_back({.boxes = boxes.const_data_ptr<float>() + image * boxes.stride(0),
                      .classes = classes.const_data_ptr<float>() + image * classes.stride(0),
                      .box_row_stride = static_cast<std::size_t>(boxes.stride(3)),
                      .class_row_stride = static_cast<std::size_t>(classes.stride(3)),
                      .height = static_cast<int>(boxes.size(2)),
                      .width = static_cast<int>(boxes.size(3)),
                      .stride = model_.strides[i]});
  }
  const HeadView view{.levels = levels,
                      .class_count = static_cast<int>(model_.options.classes),
                      .reg_max = static_cast<int>(model_.reg_max)};
  return selector_.Select(view);
}

}  // namespace headroom
