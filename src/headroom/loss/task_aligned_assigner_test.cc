// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/task_aligned_assigner.h"

#include "headroom/loss/loss_test_data.h"
#include "headroom/loss/task_aligned_assigner_reference.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <vector>

namespace headroom {
namespace {

using testing::Assign;
using testing::AssignWithTwin;
using testing::Scene;

// Predictions around the anchors, some good, some bad.
Scene RandomScene(Rng& rng, int classes) {
  Scene scene(AnchorGrid::ForImage(160, 192, std::vector{8, 16, 32}), classes);
  for (const AnchorLevel& level : scene.grid.levels()) {
    for (int cell = 0; cell < level.anchors(); ++cell) {
      const auto stride = static_cast<float>(level.stride);
      const float x = (static_cast<float>(cell % level.width) + 0.5F) * stride;
      const float y = (static_cast<float>(cell / level.width) + 0.5F) * stride;
      const auto side = [&] { return static_cast<float>(std::abs(rng.Normal()) * 2.5) * stride; };
      scene.boxes[static_cast<std::size_t>(level.first_anchor + cell)] = {x - side(), y - side(),
                                                                          x + side(), y + side()};
    }
  }
  for (float& logit : scene.logits) logit = static_cast<float>(rng.Normal() * 2 - 1);
  return scene;
}

void ExpectAgreement(const AssignerOptions& options, const Scene& scene,
                     std::span<const TrueBox> targets) {
  const std::vector<AssignedAnchor> ours = Assign(options, scene, targets).anchors;
  const DenseAssignment twin = AssignWithTwin(options, scene, targets);
  ASSERT_EQ(static_cast<std::int64_t>(ours.size()), twin.anchors.size(0));
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const auto k = static_cast<std::int64_t>(i);
    EXPECT_EQ(ours[i].anchor, twin.anchors[k].item<std::int64_t>());
    EXPECT_EQ(ours[i].box, twin.boxes[k].item<std::int64_t>());
    EXPECT_NEAR(ours[i].weight, twin.weights[k].item<float>(), 1e-5F);
  }
}

TEST(Assigner, AgreesWithItsDenseTwin) {
  Rng rng(21);
  for (const AssignerOptions& options :
       {AssignerOptions{}, AssignerOptions{.topk = 7, .topk2 = 1},
        AssignerOptions{.topk = 13, .topk2 = 4, .alpha = 1.F, .beta = 3.F}}) {
    for (const int boxes : {0, 1, 5, 40, 150}) {
      const Scene scene = RandomScene(rng, 3);
      const BatchTargets targets =
          testing::RandomTargets(rng.Fork(static_cast<std::uint64_t>(boxes)), 3, {boxes}, 160, 192);
      ExpectAgreement(options, scene, targets.image(0));
    }
  }
}

// A grid of one 4 x 4 level whose anchors all predict `box` with the same score.
Scene UniformScene(const Xyxy& box) {
  const std::vector<AnchorLevel> levels = {{.height = 4, .width = 4, .stride = 8}};
  Scene scene(AnchorGrid(levels), 1);
  std::fill(scene.boxes.begin(), scene.boxes.end(), box);
  return scene;
}

TEST(Assigner, TiesGoToTheLowerAnchor) {
  const Scene scene = UniformScene({0, 0, 32, 32});
  const std::vector<TrueBox> targets = {{{0, 0, 32, 32}, 0}};
  const auto assigned = Assign({.topk = 3, .topk2 = 3}, scene, targets).anchors;
  ASSERT_EQ(assigned.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(assigned[i].anchor, static_cast<int>(i));
  ExpectAgreement({.topk = 3, .topk2 = 2}, scene, targets);
}

TEST(Assigner, TiesBetweenBoxesGoToTheFirst) {
  const Scene scene = UniformScene({0, 0, 32, 32});
  const std::vector<TrueBox> targets = {{{0, 0, 32, 32}, 0}, {{0, 0, 32, 32}, 0}};
  const auto assigned = Assign({}, scene, targets).anchors;
  ASSERT_EQ(assigned.size(), 10U);
  for (const AssignedAnchor& a : assigned) EXPECT_EQ(a.box, 0);
  ExpectAgreement({}, scene, targets);
}

TEST(Assigner, ConflictGoesToTheLargestOverlapEvenOfABoxThatDidNotPick) {
  // Anchor 0 overlaps box 2 most, but box 2 picks anchor 5, where its class scores higher.
  Scene scene(AnchorGrid(std::vector<AnchorLevel>{{.height = 4, .width = 4, .stride = 8}}), 2);
  std::fill(scene.boxes.begin(), scene.boxes.end(), Xyxy{200, 200, 210, 210});
  scene.boxes[0] = {0, 0, 20, 20};
  scene.boxes[5] = {0, 0, 20, 21};
  scene.logits[0] = 3;   // Class 0 at anchor 0.
  scene.logits[1] = -8;  // Class 1 at anchor 0.
  scene.logits[5 * 2] = -20;
  scene.logits[5 * 2 + 1] = 8;
  const std::vector<TrueBox> targets = {
      {{0, 0, 20, 26}, 0}, {{0, 0, 26, 20}, 0}, {{0, 0, 20, 20}, 1}};
  const auto assigned = Assign({.topk = 1, .topk2 = 1}, scene, targets).anchors;
  ASSERT_EQ(assigned.size(), 2U);
  EXPECT_EQ(assigned[0].anchor, 0);
  EXPECT_EQ(assigned[0].box, 2);
  EXPECT_EQ(assigned[1].anchor, 5);
  EXPECT_EQ(assigned[1].box, 2);
  ExpectAgreement({.topk = 1, .topk2 = 1}, scene, targets);
}

TEST(Assigner, AnchorPickedForWantOfABetterOneIsAConflict) {
  Scene scene(AnchorGrid(std::vector<AnchorLevel>{{.height = 8, .width = 8, .stride = 8}}), 2);
  std::fill(scene.boxes.begin(), scene.boxes.end(), Xyxy{200, 200, 210, 210});
  scene.boxes[0] = scene.boxes[9] = {10, 10, 30, 30};
  scene.logits[0] = 3;  // Box 0 picks anchor 0.
  scene.logits[9 * 2] = -20;
  scene.logits[9 * 2 + 1] = 8;  // Box 1, of class 1, picks anchor 9 but overlaps anchor 0 most.
  std::vector<TrueBox> targets = {{{3, 3, 28, 28}, 0}, {{3, 3, 30, 30}, 1}};
  const AssignerOptions options{.topk = 1, .topk2 = 1};
  auto assigned = Assign(options, scene, targets).anchors;
  ASSERT_EQ(assigned.size(), 2U);
  EXPECT_EQ(assigned[0].box, 0);
  // A box that overlaps no prediction picks the first anchor: now two boxes want it.
  targets.push_back({{1, 1, 7, 7}, 0});
  ExpectAgreement(options, scene, targets);
  assigned = Assign(options, scene, targets).anchors;
  ASSERT_EQ(assigned.size(), 2U);
  EXPECT_EQ(assigned[0].anchor, 0);
  EXPECT_EQ(assigned[0].box, 1);
}

TEST(Assigner, SmallBoxesAreSearchedAtSixteenPixels) {
  // 2 x 2 pixels between the centres 4 and 12: no anchor inside but for the rule.
  Scene scene = UniformScene({6, 6, 10, 10});
  const std::vector<TrueBox> targets = {{{7, 7, 9, 9}, 0}};
  const auto assigned = Assign({}, scene, targets).anchors;
  ASSERT_EQ(assigned.size(), 4U);                  // (0,0) .. (16,16) holds the centres 4 and 12.
  EXPECT_NEAR(assigned[0].overlap, 0.25F, 1e-3F);  // Overlap is that of the true box.
  AssignerOptions without;
  without.min_side = 0;
  EXPECT_TRUE(Assign(without, scene, targets).anchors.empty());
}

TEST(Assigner, BoxesOfZerosAreNoTargets) {
  const Scene scene = UniformScene({0, 0, 16, 16});
  EXPECT_TRUE(Assign({}, scene, std::vector<TrueBox>{{{0, 0, 0, 0}, 0}}).anchors.empty());
  EXPECT_TRUE(Assign({}, scene, {}).anchors.empty());
}

TEST(Assigner, PredictionsOfNanAreNeverAssigned) {
  Scene scene = UniformScene({0, 0, 32, 32});
  scene.boxes[3] = {NAN, 0, 32, 32};
  const std::vector<TrueBox> targets = {{{0, 0, 32, 32}, 0}};
  AssignerOptions all{.topk = 16, .topk2 = 16};
  const auto assigned = Assign(all, scene, targets).anchors;
  EXPECT_EQ(assigned.size(), 15U);
}

TEST(Assigner, FiveThousandBoxesStayBoundedInMemoryAndTime) {
  Rng rng(2);
  Scene scene(AnchorGrid::ForImage(640, 640, std::vector{8, 16, 32}), 1);
  for (std::int32_t a = 0; a < scene.grid.anchors(); ++a) {
    const AnchorLevel& level = scene.grid.LevelOf(a);
    const int cell = a - level.first_anchor;
    const auto stride = static_cast<float>(level.stride);
    const float x = (static_cast<float>(cell % level.width) + 0.5F) * stride;
    const float y = (static_cast<float>(cell / level.width) + 0.5F) * stride;
    scene.boxes[static_cast<std::size_t>(a)] = {x - stride * 2, y - stride * 2, x + stride * 2,
                                                y + stride * 2};
  }
  const BatchTargets targets = testing::RandomTargets(rng, 1, {5000}, 640, 640);
  const auto start = std::chrono::steady_clock::now();
  const testing::Assigned result = Assign({}, scene, targets.image(0));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_GT(result.anchors.size(), 4000U);
  EXPECT_LT(result.workspace_bytes,
            2U << 20);  // A (boxes, anchors) block of floats alone is 168 MB.
  EXPECT_LT(seconds, 2);
  RecordProperty("milliseconds", static_cast<int>(seconds * 1000));
}

}  // namespace
}  // namespace headroom
