// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/export_test_data.h"

#include "headroom/config/model_yaml.h"
#include "headroom/core/check.h"
#include "headroom/core/file.h"
#include "headroom/detect/decode_predictions.h"
#include "headroom/detect/end_to_end.h"
#include "headroom/detect/find_candidates.h"
#include "headroom/detect/nms.h"
#include "headroom/interop/ultralytics_checkpoint.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/temp_dir.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cstdlib>
#include <functional>

namespace headroom::testing {
namespace {

// Runs the model and hands every image's head to `use`.
void ForEachHead(Model& model, const at::Tensor& pixels, bool one_to_one,
                 const std::function<void(std::int64_t, const HeadView&)>& use) {
  Executor executor(*model.graph, *model.parameters, at::kCPU);
  executor.Load(Lower(*model.graph, {.purpose = Purpose::kInference,
                                     .images = pixels.size(0),
                                     .extent = {pixels.size(2), pixels.size(3)}}));
  executor.input().copy_(pixels);
  executor.Forward();
  const HeadOutputs& head = one_to_one ? *model.one_to_one : model.one_to_many;
  for (std::int64_t image = 0; image < pixels.size(0); ++image) {
    std::vector<HeadLevelView> levels;
    for (std::size_t i = 0; i < head.boxes.size(); ++i) {
      const at::Tensor boxes = executor.outputs()[head.boxes[i]][image];
      const at::Tensor classes = executor.outputs()[head.classes[i]][image];
      levels.push_back(
          {boxes.const_data_ptr<float>(), classes.const_data_ptr<float>(),
           static_cast<std::size_t>(boxes.stride(2)), static_cast<std::size_t>(classes.stride(2)),
           static_cast<int>(boxes.size(1)), static_cast<int>(boxes.size(2)), model.strides[i]});
    }
    use(image, {levels, static_cast<int>(model.options.classes), static_cast<int>(model.reg_max)});
  }
}

// Tests share the machine with others; OpenMP's idle threads would spin beside them.
void UseOneThread() { at::set_num_threads(1); }

void CopyRows(std::span<const Detection> detections, at::Tensor rows) {
  for (std::size_t i = 0; i < detections.size() && i < static_cast<std::size_t>(rows.size(0));
       ++i) {
    const Detection& d = detections[i];
    rows[static_cast<std::int64_t>(i)].copy_(at::tensor(
        {d.box.x1, d.box.y1, d.box.x2, d.box.y2, d.confidence, static_cast<float>(d.class_id)}));
  }
}

}  // namespace

Model RandomModel(const std::string& yaml, std::int64_t classes) {
  UseOneThread();
  Model model = BuildModel(ReadModelYaml(yaml), {.classes = classes}, at::kCPU);
  ParameterStore& store = *model.parameters;
  store.Allocate(at::kCPU, Element::kFloat32, false);
  InitializeParameters(model, 3);
  at::Generator generator = at::detail::createCPUGenerator(7);
  for (const NormIndices& norm : store.norms()) {
    store.running_view(norm.mean).normal_(0, 0.2, generator);
    store.running_view(norm.variance).uniform_(0.2, 0.6, generator);
    store.value(norm.weight).uniform_(0.8, 1.4, generator);
    store.value(norm.bias).normal_(0, 0.2, generator);
  }
  for (const int bias : model.class_biases) store.value(bias).normal_(-1, 1, generator);
  return model;
}

Model ReferenceModel(const std::string& name) {
  UseOneThread();
  const Result<CheckpointContents> file =
      ReadCheckpoint(SharedFile("reference-run") / (name + "-bccd") / "best.pt");
  HEADROOM_CHECK(file.ok(), file.error());
  Model model = BuildModel(ReadModelYaml(name + ".yaml"), {.classes = file->class_count}, at::kCPU);
  ParameterStore& store = *model.parameters;
  store.Allocate(at::kCPU, Element::kFloat32, false);
  for (const ParameterStore::Entry& entry : store.entries()) {
    if (entry.kind == ParameterStore::EntryKind::kBatchCount) continue;
    const at::Tensor& target = entry.kind == ParameterStore::EntryKind::kParameter
                                   ? store.value(entry.index)
                                   : store.running_view(entry.index);
    const std::vector<float> values = AsFloats(file->Find(entry.name)->data);
    target.copy_(at::tensor(values).view(target.sizes()));
  }
  return model;
}

at::Tensor RandomPixels(std::int64_t images, std::int64_t height, std::int64_t width) {
  at::Generator generator = at::detail::createCPUGenerator(11);
  return at::randint(0, 256, {images, height, width, 3}, generator, at::kByte)
      .permute({0, 3, 1, 2});
}

at::Tensor NetworkInput(const at::Tensor& pixels) {
  return pixels.to(at::kFloat).div(255).contiguous();
}

at::Tensor OwnPredictions(Model& model, const at::Tensor& pixels, bool one_to_one) {
  std::vector<at::Tensor> images;
  ForEachHead(model, pixels, one_to_one, [&](std::int64_t, const HeadView& head) {
    const auto anchors = static_cast<std::int64_t>(head.anchor_count());
    at::Tensor rows = at::empty({anchors, 4 + head.class_count});
    float* out = rows.mutable_data_ptr<float>();
    for (std::uint32_t a = 0; a < head.anchor_count(); ++a) {
      const Xywh box = ToXywh(DecodeBox(head, a));
      for (const float value : {box.x, box.y, box.w, box.h}) *out++ = value;
      for (int c = 0; c < head.class_count; ++c) *out++ = Sigmoid(ClassRow(head, a)[c]);
    }
    images.push_back(rows.t().contiguous());
  });
  return at::stack(images);
}

at::Tensor OwnEndToEnd(Model& model, const at::Tensor& pixels, int count) {
  at::Tensor rows = at::zeros({pixels.size(0), count, 6});
  ForEachHead(model, pixels, true, [&](std::int64_t image, const HeadView& head) {
    EndToEndSelection selection(
        {.class_count = head.class_count, .confidence = 0, .max_detections = count});
    CopyRows(selection.Run(head), rows[image]);
  });
  return rows;
}

at::Tensor OwnSuppressed(Model& model, const at::Tensor& pixels, const SuppressionRule& rule) {
  at::Tensor rows = at::zeros({pixels.size(0), rule.max_detections, 6});
  ForEachHead(model, pixels, false, [&](std::int64_t image, const HeadView& head) {
    NonMaximumSuppression nms({.class_count = head.class_count,
                               .confidence = rule.confidence,
                               .iou = rule.iou,
                               .max_detections = rule.max_detections});
    CopyRows(nms.Run(head), rows[image]);
  });
  return rows;
}

ExportOptions OptionsFor(const Model& model, std::int64_t images, std::int64_t height,
                         std::int64_t width) {
  ExportOptions options{
      .form = {.images = images, .extent = {height, width}}, .description = "test", .version = "0"};
  for (std::int64_t i = 0; i < model.options.classes; ++i)
    options.names.push_back(fmt::format("class {}", i));
  return options;
}

double MaxDifference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  return (a - b).abs().max().item<double>();
}

const char* Python() { return std::getenv("HEADROOM_ULTRALYTICS_PYTHON"); }

bool CheckInPython(const std::string& file, const at::Tensor& input, const at::Tensor& expected,
                   double tolerance, RowOrder order) {
  const TempDir dir;
  const auto write = [&](const char* name, const at::Tensor& tensor) {
    const at::Tensor dense = tensor.contiguous();
    WriteFileAtomic(
        dir.path() / name,
        std::string_view(static_cast<const char*>(dense.const_data_ptr()), dense.nbytes()));
    return fmt::format("{} {}", (dir.path() / name).string(), fmt::join(dense.sizes(), ","));
  };
  const std::string command =
      fmt::format("{} {}/src/headroom/deploy/check_export.py {} {} {} {}{}", Python(),
                  HEADROOM_SOURCE_DIR, file, write("input", input), write("expected", expected),
                  tolerance, order == RowOrder::kAny ? " rows" : "");
  return std::system(command.c_str()) == 0;  // NOLINT(concurrency-mt-unsafe): a test
}

}  // namespace headroom::testing
