// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/loss_test_data.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace headroom::testing {

at::Tensor SineMap(std::int64_t images, std::int64_t channels, std::int64_t height,
                   std::int64_t width, double phase) {
  const std::int64_t count = images * channels * height * width;
  const at::Tensor k = at::arange(count, at::kDouble);
  return (2 * at::sin(0.37 * k + phase))
      .to(at::kFloat)
      .view({images, channels, height, width})
      .contiguous(at::MemoryFormat::ChannelsLast);
}

HeadMaps RandomMaps(Rng rng, const DetectionLossOptions& options, std::int64_t images, int height,
                    int width) {
  HeadMaps maps;
  const auto fill = [&](std::int64_t channels, int stride, double mean, double deviation) {
    at::Tensor map = at::empty({images, height / stride, width / stride, channels}, at::kFloat);
    const std::span<float> values(map.data_ptr<float>(), static_cast<std::size_t>(map.numel()));
    for (float& v : values) v = static_cast<float>(mean + deviation * rng.Normal());
    return map.permute({0, 3, 1, 2});
  };
  for (const int stride : options.strides) {
    maps.boxes.push_back(options.reg_max == 1 ? fill(4, stride, 2, 1.5)
                                              : fill(4 * options.reg_max, stride, 0, 2));
    maps.classes.push_back(fill(options.classes, stride, -2, 2));
  }
  return maps;
}

BatchTargets RandomTargets(Rng rng, int classes, std::vector<int> boxes_per_image, int height,
                           int width) {
  BatchTargets targets;
  for (const int count : boxes_per_image) {
    std::vector<TrueBox> boxes;
    for (int i = 0; i < count; ++i) {
      // Sizes spread evenly over their logarithm.
      const double w = 3 * std::pow(width / 3., rng.Uniform()),
                   h = 3 * std::pow(height / 3., rng.Uniform());
      const auto x = static_cast<float>(rng.Uniform(0, width - w)),
                 y = static_cast<float>(rng.Uniform(0, height - h));
      const auto class_id =
          static_cast<std::int32_t>(rng.Below(static_cast<std::uint64_t>(classes)));
      boxes.push_back({{x, y, x + static_cast<float>(w), y + static_cast<float>(h)}, class_id});
    }
    targets.AddImage(boxes);
  }
  return targets;
}

TrueBox Label(int class_id, const Xywh& n, int height, int width) {
  const auto w = static_cast<float>(width), h = static_cast<float>(height);
  return {ToXyxy({n.x * w, n.y * h, n.w * w, n.h * h}), class_id};
}

HeadMaps Unwritten(const HeadMaps& maps) {
  HeadMaps result = ZerosLike(maps);
  for (auto* list : {&result.boxes, &result.classes}) {
    for (at::Tensor& map : *list) map.fill_(std::numeric_limits<float>::quiet_NaN());
  }
  return result;
}

HeadMaps Images(const HeadMaps& maps, std::int64_t begin, std::int64_t end) {
  HeadMaps result;
  for (const at::Tensor& map : maps.boxes) result.boxes.push_back(map.slice(0, begin, end));
  for (const at::Tensor& map : maps.classes) result.classes.push_back(map.slice(0, begin, end));
  return result;
}

BatchTargets Images(const BatchTargets& targets, std::int64_t begin, std::int64_t end) {
  BatchTargets result;
  for (std::int64_t i = begin; i < end; ++i) result.AddImage(targets.image(i));
  return result;
}

Scene::Scene(const AnchorGrid& g, int class_count)
    : grid(g),
      classes(class_count),
      boxes(static_cast<std::size_t>(g.anchors())),
      logits(static_cast<std::size_t>(g.anchors() * class_count)) {}

Assigned Assign(const AssignerOptions& options, const Scene& scene,
                std::span<const TrueBox> targets) {
  const TaskAlignedAssigner assigner(options);
  const auto boxes = static_cast<std::int64_t>(targets.size());
  WorkspaceCarver sizing;
  const AssignerWorkspace sized(sizing, scene.grid.anchors(), boxes, options.topk);
  std::vector<std::byte> memory(sizing.used() + 64);
  WorkspaceCarver carver(memory.data() + 64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64);
  AssignerWorkspace workspace(carver, scene.grid.anchors(), boxes, options.topk);
  std::vector<std::uint8_t> covered(scene.boxes.size());
  assigner.MarkCandidates(scene.grid, targets, covered);
  std::vector<ImagePredictions::LevelLogits> logits;
  for (const AnchorLevel& level : scene.grid.levels()) {
    logits.push_back({scene.logits.data() + level.first_anchor * scene.classes, scene.classes});
  }
  const auto assigned =
      assigner.Assign(scene.grid, targets, covered, {scene.boxes, logits}, workspace);
  return {{assigned.begin(), assigned.end()}, sizing.used()};
}

DenseAssignment AssignWithTwin(const AssignerOptions& options, const Scene& scene,
                               std::span<const TrueBox> targets) {
  std::vector<float> points, corners, gt;
  std::vector<std::int64_t> classes;
  for (const AnchorLevel& level : scene.grid.levels()) {
    for (int cell = 0; cell < level.anchors(); ++cell) {
      points.push_back((static_cast<float>(cell % level.width) + 0.5F) *
                       static_cast<float>(level.stride));
      points.push_back((static_cast<float>(cell / level.width) + 0.5F) *
                       static_cast<float>(level.stride));
    }
  }
  for (const Xyxy& b : scene.boxes) corners.insert(corners.end(), {b.x1, b.y1, b.x2, b.y2});
  for (const TrueBox& t : targets) {
    gt.insert(gt.end(), {t.box.x1, t.box.y1, t.box.x2, t.box.y2});
    classes.push_back(t.class_id);
  }
  return AssignDense(options, at::tensor(points).view({-1, 2}),
                     at::tensor(scene.logits).view({-1, scene.classes}).sigmoid(),
                     at::tensor(corners).view({-1, 4}), at::tensor(classes, at::kLong),
                     at::tensor(gt).view({-1, 4}));
}

double SumOfMagnitudes(const at::Tensor& tensor) {
  return tensor.abs().sum(at::kDouble).item<double>();
}

}  // namespace headroom::testing
