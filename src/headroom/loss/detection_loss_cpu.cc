// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/check.h"
#include "headroom/loss/bce_kernel.h"
#include "headroom/loss/ciou.h"
#include "headroom/loss/detection_loss.h"
#include "headroom/loss/distance_terms.h"
#include "headroom/loss/workspace.h"
#include "headroom/memory/tag_scope.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace headroom {
namespace {

constexpr int kWeightTileRows = 64;  // Cells whose class weights are laid out for one kernel call.

// A map's memory: the channels of cell c of image i start at data + i * image_stride + c *
// cell_stride.
struct MapView {
  float* data = nullptr;
  std::int64_t image_stride = 0;
  std::int64_t cell_stride = 0;
  std::int64_t channels = 0;
};

MapView ViewOf(const at::Tensor& map) {
  HEADROOM_CHECK(map.is_cpu() && map.scalar_type() == at::kFloat,
                 "the CPU loss takes fp32 maps in host memory");
  const std::int64_t cell = map.size(3) > 1   ? map.stride(3)
                            : map.size(2) > 1 ? map.stride(2)
                                              : map.size(1);
  const bool channels_last = (map.size(1) == 1 || map.stride(1) == 1) && cell >= map.size(1) &&
                             (map.size(2) == 1 || map.stride(2) == cell * map.size(3));
  HEADROOM_CHECK(channels_last, fmt::format("a head map of strides {} is not channels-last",
                                            fmt::join(map.strides(), ", ")));
  return {.data = map.data_ptr<float>(),
          .image_stride = map.stride(0),
          .cell_stride = cell,
          .channels = map.size(1)};
}

// The arrays of one thread; the same code sizes and carves them.
struct ImageWorkspace {
  ImageWorkspace(WorkspaceCarver& carver, const DetectionLossOptions& options, std::int32_t anchors,
                 std::int64_t max_boxes)
      : covered(carver.Take<std::uint8_t>(anchors)),
        boxes(carver.Take<Xyxy>(anchors)),
        probabilities(carver.Take<float>(options.reg_max)),
        class_weights(carver.Take<float>(
            options.class_weights.empty() ? 0 : kWeightTileRows * options.classes)),
        assigner(carver, anchors, max_boxes, options.topk) {}

  std::span<std::uint8_t> covered;
  std::span<Xyxy> boxes;  // Predicted, pixels, where covered.
  std::span<float> probabilities;
  std::span<float> class_weights;  // Of kWeightTileRows cells.
  AssignerWorkspace assigner;
};

std::size_t WorkspaceBytes(const DetectionLossOptions& options, std::int32_t anchors,
                           std::int64_t max_boxes) {
  WorkspaceCarver carver;
  const ImageWorkspace sized(carver, options, anchors, max_boxes);
  return carver.used();
}

std::int64_t WorkersFor(std::int64_t images) {
  return std::clamp<std::int64_t>(images, 1, at::get_num_threads());
}

// One call's maps and settings, read by all threads.
struct Call {
  const DetectionLossOptions& options;
  const TaskAlignedAssigner& assigner;
  const AnchorGrid& grid;
  std::vector<MapView> boxes, classes;
  std::vector<MapView> box_gradients, class_gradients;  // Empty: no gradients are asked for.
  double scale = 0;

  [[nodiscard]] bool wants_gradients() const { return !box_gradients.empty(); }
};

// The loss of one image of a call.
class ImageLoss {
 public:
  ImageLoss(const Call& call, std::int64_t image, ImageWorkspace& workspace)
      : call_(call), image_(image), workspace_(workspace) {}

  LossSums Run(std::span<const TrueBox> targets) {
    LossSums sums;
    AddNegatives(sums);
    ClearBoxGradients();
    const ImagePredictions predictions = Decode(targets);
    for (const AssignedAnchor& assigned : call_.assigner.Assign(
             call_.grid, targets, workspace_.covered, predictions, workspace_.assigner)) {
      AddAssigned(assigned, targets[static_cast<std::size_t>(assigned.box)], sums);
    }
    sums.box *= call_.options.box_gain;
    sums.classification *= call_.options.class_gain;
    sums.distance *= call_.options.distance_gain;
    return sums;
  }

 private:
  // Where a head's distances of one anchor come from and how its box lies.
  struct Side {
    std::span<const float> logits;
    float distance;
  };

  [[nodiscard]] float* CellOf(const MapView& map, std::int64_t cell) const {
    return map.data + image_ * map.image_stride + cell * map.cell_stride;
  }
  [[nodiscard]] std::span<const float> Logits(std::size_t level, std::int64_t cell,
                                              int side) const {
    const auto bins = static_cast<std::size_t>(call_.options.reg_max);
    return {CellOf(call_.boxes[level], cell) + side * call_.options.reg_max, bins};
  }
  float Distance(std::span<const float> logits) {
    return logits.size() == 1 ? logits[0] : ExpectedDistance(logits, workspace_.probabilities);
  }

  ImagePredictions Decode(std::span<const TrueBox> targets);
  void AddNegatives(LossSums& sums);
  void ClearBoxGradients();
  void AddAssigned(const AssignedAnchor& assigned, const TrueBox& target, LossSums& sums);
  void AddClassTarget(std::size_t level, std::int64_t cell, int class_id, float weight,
                      LossSums& sums);
  float AddDistanceTerm(std::size_t level, std::int64_t cell, const Corners<float>& wanted,
                        const Corners<float>& d_distance, float weight);

  const Call& call_;
  std::int64_t image_;
  ImageWorkspace& workspace_;
  std::array<ImagePredictions::LevelLogits, 8> level_logits_;
};

// Boxes of the anchors that lie inside any target: no other is asked for.
ImagePredictions ImageLoss::Decode(std::span<const TrueBox> targets) {
  call_.assigner.MarkCandidates(call_.grid, targets, workspace_.covered);
  const std::span<const AnchorLevel> levels = call_.grid.levels();
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const AnchorLevel& level = levels[l];
    const auto stride = static_cast<float>(level.stride);
    level_logits_[l] = {CellOf(call_.classes[l], 0), call_.classes[l].cell_stride};
    for (std::int32_t cell = 0; cell < level.anchors(); ++cell) {
      const auto a = static_cast<std::size_t>(level.first_anchor + cell);
      if (workspace_.covered[a] == 0) continue;
      const float x = static_cast<float>(cell % level.width) + 0.5F,
                  y = static_cast<float>(cell / level.width) + 0.5F;
      workspace_.boxes[a] = {.x1 = (x - Distance(Logits(l, cell, 0))) * stride,
                             .y1 = (y - Distance(Logits(l, cell, 1))) * stride,
                             .x2 = (x + Distance(Logits(l, cell, 2))) * stride,
                             .y2 = (y + Distance(Logits(l, cell, 3))) * stride};
    }
  }
  return {.boxes = workspace_.boxes, .logits = std::span(level_logits_).first(levels.size())};
}

// Every logit against a target of zero; AddClassTarget puts the few others right.
void ImageLoss::AddNegatives(LossSums& sums) {
  const auto factor = static_cast<float>(call_.options.class_gain * call_.scale);
  const std::int64_t classes = call_.options.classes;
  const std::span<const float> tile = workspace_.class_weights;
  for (std::size_t l = 0; l < call_.classes.size(); ++l) {
    const MapView& map = call_.classes[l];
    const bool dense =
        map.cell_stride == classes &&
        (!call_.wants_gradients() || call_.class_gradients[l].cell_stride == classes);
    const std::int64_t cells = call_.grid.levels()[l].anchors();
    const std::int64_t at_once = !dense ? 1 : tile.empty() ? cells : kWeightTileRows;
    for (std::int64_t cell = 0; cell < cells; cell += at_once) {
      const auto count = static_cast<std::size_t>(std::min(at_once, cells - cell) * classes);
      std::span<float> gradients;
      if (call_.wants_gradients()) gradients = {CellOf(call_.class_gradients[l], cell), count};
      sums.classification += BinaryCrossEntropyOfNegatives(
          {CellOf(map, cell), count}, tile.empty() ? tile : tile.first(count), factor, gradients);
    }
  }
}

void ImageLoss::ClearBoxGradients() {
  for (std::size_t l = 0; l < call_.box_gradients.size(); ++l) {
    const MapView& map = call_.box_gradients[l];
    const std::int64_t cells = call_.grid.levels()[l].anchors();
    if (map.cell_stride == map.channels) {
      std::fill_n(CellOf(map, 0), cells * map.channels, 0.F);
    } else {
      for (std::int64_t cell = 0; cell < cells; ++cell)
        std::fill_n(CellOf(map, cell), map.channels, 0.F);
    }
  }
}

void ImageLoss::AddAssigned(const AssignedAnchor& assigned, const TrueBox& target, LossSums& sums) {
  const std::span<const AnchorLevel> levels = call_.grid.levels();
  const AnchorLevel& level = call_.grid.LevelOf(assigned.anchor);
  const auto l = static_cast<std::size_t>(&level - levels.data());
  const std::int32_t cell = assigned.anchor - level.first_anchor;
  const auto stride = static_cast<float>(level.stride);
  const float x = static_cast<float>(cell % level.width) + 0.5F,
              y = static_cast<float>(cell / level.width) + 0.5F;

  AddClassTarget(l, cell, target.class_id, assigned.weight, sums);
  // The terms are in stride units; the assigner's boxes were decoded to pixels.
  const Xyxy& p = workspace_.boxes[static_cast<std::size_t>(assigned.anchor)];
  const Corners<float> predicted = {p.x1 / stride, p.y1 / stride, p.x2 / stride, p.y2 / stride};
  const Xyxy& t = target.box;
  const Corners<float> truth = {t.x1 / stride, t.y1 / stride, t.x2 / stride, t.y2 / stride};
  const CiouAndGradient<float> ciou = CiouWithGradient(predicted, truth);
  sums.box += (1. - static_cast<double>(ciou.value)) * static_cast<double>(assigned.weight);
  const float box_factor =
      static_cast<float>(call_.options.box_gain * call_.scale) * assigned.weight;
  // Left and top move the corner against their own sign; the term is 1 - CIoU.
  const Corners<float> d_distance = {box_factor * ciou.gradient[0], box_factor * ciou.gradient[1],
                                     -box_factor * ciou.gradient[2],
                                     -box_factor * ciou.gradient[3]};
  const Corners<float> wanted = {x - truth[0], y - truth[1], truth[2] - x, truth[3] - y};
  const float term = AddDistanceTerm(l, cell, wanted, d_distance, assigned.weight);
  sums.distance += static_cast<double>(term) * static_cast<double>(assigned.weight);
  sums.target_scores += static_cast<double>(assigned.weight);
}

void ImageLoss::AddClassTarget(std::size_t level, std::int64_t cell, int class_id, float weight,
                               LossSums& sums) {
  const std::vector<float>& class_weights = call_.options.class_weights;
  const float target =
      weight * (class_weights.empty() ? 1.F : class_weights[static_cast<std::size_t>(class_id)]);
  sums.classification -= static_cast<double>(target) *
                         static_cast<double>(CellOf(call_.classes[level], cell)[class_id]);
  if (call_.wants_gradients()) {
    CellOf(call_.class_gradients[level], cell)[class_id] -=
        static_cast<float>(call_.options.class_gain * call_.scale) * target;
  }
}

// The mean over the sides; writes the gradients of both box terms.
float ImageLoss::AddDistanceTerm(std::size_t level, std::int64_t cell, const Corners<float>& wanted,
                                 const Corners<float>& d_distance, float weight) {
  const DetectionLossOptions& o = call_.options;
  const float factor = static_cast<float>(o.distance_gain * call_.scale) * weight / 4;
  float* const gradients =
      call_.wants_gradients() ? CellOf(call_.box_gradients[level], cell) : nullptr;
  float total = 0;
  for (int side = 0; side < 4; ++side) {
    const auto s = static_cast<std::size_t>(side);
    const std::span<const float> logits = Logits(level, cell, side);
    const float distance = Distance(logits);
    if (logits.size() == 1) {
      const int image_side = side % 2 == 0 ? call_.grid.image_width() : call_.grid.image_height();
      const float scale = static_cast<float>(o.strides[level]) / static_cast<float>(image_side);
      const AbsoluteTerm<float> term = AbsoluteDistanceTerm(distance, wanted[s], scale);
      total += term.value;
      if (gradients != nullptr) gradients[side] = d_distance[s] + factor * term.derivative;
    } else {
      std::span<float> by_logits;
      if (gradients != nullptr) by_logits = {gradients + side * o.reg_max, logits.size()};
      total += DistanceDistributionTerm<float>(logits, workspace_.probabilities, distance,
                                               wanted[s], d_distance[s], factor, by_logits);
    }
  }
  return total / 4;
}

class CpuDetectionLoss final : public DetectionLoss {
 public:
  explicit CpuDetectionLoss(DetectionLossOptions options)
      : DetectionLoss(std::move(options)), assigner_(this->options().assigner()) {}

  LossSums ForwardBackward(const HeadMaps& maps, const BatchTargets& targets, double scale,
                           HeadMaps& gradients) override {
    return Run(maps, targets, scale, &gradients);
  }
  LossSums Forward(const HeadMaps& maps, const BatchTargets& targets) override {
    return Run(maps, targets, 0, nullptr);
  }

  void Reserve(const AnchorGrid& grid, std::int64_t images, std::int64_t max_boxes) override {
    const std::size_t slice = WorkspaceBytes(options(), grid.anchors(), max_boxes);
    const auto bytes = static_cast<std::int64_t>(slice) * WorkersFor(images);
    if (workspace_.defined() && workspace_.numel() >= bytes) return;
    const TagScope tag(MemoryTag::kLoss);
    workspace_.reset();
    workspace_ = at::empty({bytes}, at::kByte);
    per_image_.reserve(static_cast<std::size_t>(images));
  }

 private:
  LossSums Run(const HeadMaps& maps, const BatchTargets& targets, double scale,
               HeadMaps* gradients);
  void RunImages(const Call& call, const BatchTargets& targets, std::int64_t worker,
                 std::int64_t workers);

  TaskAlignedAssigner assigner_;
  at::Tensor workspace_;
  std::vector<LossSums> per_image_;
};

LossSums CpuDetectionLoss::Run(const HeadMaps& maps, const BatchTargets& targets, double scale,
                               HeadMaps* gradients) {
  const AnchorGrid grid = CheckedGrid(maps, targets);
  HEADROOM_CHECK(grid.levels().size() <= 8, "more than eight head maps");
  Call call{.options = options(), .assigner = assigner_, .grid = grid, .scale = scale};
  for (const at::Tensor& map : maps.boxes) call.boxes.push_back(ViewOf(map));
  for (const at::Tensor& map : maps.classes) call.classes.push_back(ViewOf(map));
  if (gradients != nullptr) {
    for (std::size_t l = 0; l < maps.boxes.size(); ++l) {
      HEADROOM_CHECK(gradients->boxes.at(l).sizes() == maps.boxes[l].sizes() &&
                         gradients->classes.at(l).sizes() == maps.classes[l].sizes(),
                     "the gradients' shapes are not the maps'");
      call.box_gradients.push_back(ViewOf(gradients->boxes[l]));
      call.class_gradients.push_back(ViewOf(gradients->classes[l]));
    }
  }
  const std::int64_t images = targets.images(), workers = WorkersFor(images);
  Reserve(grid, images, targets.max_boxes());
  per_image_.assign(static_cast<std::size_t>(images), {});
  at::parallel_for(0, workers, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t worker = begin; worker < end; ++worker)
      RunImages(call, targets, worker, workers);
  });
  LossSums total;  // In the images' order, so that no thread count shows.
  for (const LossSums& sums : per_image_) total += sums;
  return total;
}

// Every workers-th image, in this worker's slice of the workspace.
void CpuDetectionLoss::RunImages(const Call& call, const BatchTargets& targets, std::int64_t worker,
                                 std::int64_t workers) {
  const std::size_t slice = WorkspaceBytes(call.options, call.grid.anchors(), targets.max_boxes());
  auto* const base = reinterpret_cast<std::byte*>(workspace_.data_ptr<std::uint8_t>());
  WorkspaceCarver carver(base + slice * static_cast<std::size_t>(worker));
  ImageWorkspace workspace(carver, call.options, call.grid.anchors(), targets.max_boxes());
  for (std::size_t i = 0; i < workspace.class_weights.size(); ++i) {
    workspace.class_weights[i] = call.options.class_weights[i % call.options.class_weights.size()];
  }
  for (std::int64_t image = worker; image < targets.images(); image += workers) {
    per_image_[static_cast<std::size_t>(image)] =
        ImageLoss(call, image, workspace).Run(targets.image(image));
  }
}

}  // namespace

std::unique_ptr<DetectionLoss> MakeCpuDetectionLoss(DetectionLossOptions options) {
  return std::make_unique<CpuDetectionLoss>(std::move(options));
}

MemoryNeed EstimateMemory(const DetectionLossOptions& options, const AnchorGrid& grid,
                          std::int64_t images, std::int64_t max_boxes) {
  const std::size_t slice = WorkspaceBytes(options, grid.anchors(), max_boxes);
  return {MemoryTag::kLoss, Bytes::Of(slice, static_cast<std::uint64_t>(WorkersFor(images)))};
}

}  // namespace headroom
