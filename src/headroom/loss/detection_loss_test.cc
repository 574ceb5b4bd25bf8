// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/detection_loss.h"

#include "headroom/core/error.h"
#include "headroom/loss/loss_test_data.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <cmath>

namespace headroom {
namespace {

using testing::Images;
using testing::RandomMaps;
using testing::RandomTargets;

enum class Kind { kCpu, kReference };

std::unique_ptr<DetectionLoss> Make(Kind kind, const DetectionLossOptions& options) {
  return kind == Kind::kCpu ? MakeCpuDetectionLoss(options) : MakeReferenceDetectionLoss(options);
}

class BothLosses : public ::testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, BothLosses, ::testing::Values(Kind::kCpu, Kind::kReference),
                         [](const auto& kind) {
                           return kind.param == Kind::kCpu ? "Cpu" : "Reference";
                         });

// The published vectors: two images, three classes, maps of 8, 4 and 2 cells a side.
struct SineCase {
  HeadMaps maps;
  BatchTargets targets, no_targets;

  explicit SineCase(int reg_max, std::array<double, 3> phases) {
    const std::array<std::int64_t, 3> sides = {8, 4, 2};
    for (std::size_t l = 0; l < 3; ++l) {
      const at::Tensor map = testing::SineMap(2, 4 * reg_max + 3, sides[l], sides[l], phases[l]);
      maps.boxes.push_back(map.slice(1, 0, 4 * reg_max));
      maps.classes.push_back(map.slice(1, 4 * reg_max));
    }
    targets.AddImage(std::vector{testing::Label(0, {.5F, .5F, .6F, .4F}, 64, 64),
                                 testing::Label(2, {.25F, .3F, .2F, .2F}, 64, 64)});
    targets.AddImage(std::vector{testing::Label(1, {.7F, .6F, .5F, .7F}, 64, 64)});
    no_targets.AddImage({});
    no_targets.AddImage({});
  }
};

TEST_P(BothLosses, GiveTheReferencesValuesAndGradients) {
  const SineCase c(16, {.1, .2, .3});
  const auto loss = Make(GetParam(), {.classes = 3});
  HeadMaps gradients = testing::Unwritten(c.maps);
  const LossSums sums = loss->ForwardBackward(c.maps, c.targets, 1, gradients);
  const double n = sums.normaliser();
  EXPECT_NEAR(sums.box / n, 6.872498, 6.9e-5);
  EXPECT_NEAR(sums.classification / n, 212.380157, 2e-3);
  EXPECT_NEAR(sums.distance / n, 5.741227, 5.7e-5);
  EXPECT_NEAR(2 * sums.sum() / n, 449.987762, 4e-3);
  const std::array<double, 3> magnitudes = {181.64320, 42.31950,
                                            13.17744};  // Without the 16-pixel rule.
  for (std::size_t l = 0; l < 3; ++l) {
    const double total = testing::SumOfMagnitudes(gradients.boxes[l]) +
                         testing::SumOfMagnitudes(gradients.classes[l]);
    EXPECT_NEAR(2 * total / n / magnitudes[l], 1, 1e-3) << l;
  }
}

TEST_P(BothLosses, GiveARawClassSumWithoutTargets) {
  const SineCase c(16, {.1, .2, .3});
  HeadMaps gradients = testing::Unwritten(c.maps);
  const LossSums sums =
      Make(GetParam(), {.classes = 3})->ForwardBackward(c.maps, c.no_targets, 1, gradients);
  EXPECT_EQ(sums.box, 0);
  EXPECT_EQ(sums.distance, 0);
  EXPECT_EQ(sums.normaliser(), 1);
  EXPECT_NEAR(sums.classification, 231.3564, 2e-3);
  for (const at::Tensor& map : gradients.boxes) EXPECT_EQ(testing::SumOfMagnitudes(map), 0);
}

// Both implementations on the same input; every gradient within 1e-5 of the largest.
void ExpectEqualLosses(const DetectionLossOptions& options, const HeadMaps& maps,
                       const BatchTargets& targets) {
  HeadMaps ours = testing::Unwritten(maps), twins = testing::Unwritten(maps);
  const LossSums a = MakeCpuDetectionLoss(options)->ForwardBackward(maps, targets, 0.25, ours);
  const LossSums b =
      MakeReferenceDetectionLoss(options)->ForwardBackward(maps, targets, 0.25, twins);
  EXPECT_NEAR(a.box, b.box, 1e-5 * (1 + b.box));
  EXPECT_NEAR(a.classification, b.classification, 1e-5 * (1 + b.classification));
  EXPECT_NEAR(a.distance, b.distance, 1e-5 * (1 + b.distance));
  EXPECT_NEAR(a.target_scores, b.target_scores, 1e-5 * (1 + b.target_scores));
  for (std::size_t l = 0; l < maps.boxes.size(); ++l) {
    const auto compare = [&](const at::Tensor& x, const at::Tensor& y, const char* what) {
      const double scale = 1e-6 + y.abs().max().item<double>();
      EXPECT_LT((x - y).abs().max().item<double>() / scale, 1e-5) << what << " of level " << l;
    };
    compare(ours.boxes[l], twins.boxes[l], "boxes");
    compare(ours.classes[l], twins.classes[l], "classes");
  }
}

TEST(CpuLoss, AgreesWithItsTwin) {
  for (const int reg_max : {16, 1, 5}) {
    for (const int classes : {1, 3, 95}) {
      const DetectionLossOptions options{.classes = classes, .reg_max = reg_max};
      const Rng rng(static_cast<std::uint64_t>(reg_max * 100 + classes));
      ExpectEqualLosses(options, RandomMaps(rng.Fork(1), options, 3, 96, 128),
                        RandomTargets(rng.Fork(2), classes, {4, 0, 60}, 96, 128));
    }
  }
}

TEST(CpuLoss, AgreesWithItsTwinWhereEachBoxKeepsOneAnchor) {
  const DetectionLossOptions options{.classes = 2, .reg_max = 1, .topk = 7, .topk2 = 1};
  ExpectEqualLosses(options, RandomMaps(Rng(4), options, 2, 128, 96),
                    RandomTargets(Rng(5), 2, {30, 7}, 128, 96));
}

TEST(CpuLoss, AgreesWithItsTwinWithClassWeights) {
  const DetectionLossOptions options{.classes = 3, .class_weights = {0.5F, 1.F, 1.5F}};
  ExpectEqualLosses(options, RandomMaps(Rng(6), options, 2, 128, 96),
                    RandomTargets(Rng(7), 3, {12, 2}, 128, 96));
}

TEST(CpuLoss, AgreesWithItsTwinOnFourLevelsAndOddStrides) {
  const DetectionLossOptions options{.classes = 2, .strides = {4, 8, 16, 32}};
  ExpectEqualLosses(options, RandomMaps(Rng(8), options, 1, 64, 64),
                    RandomTargets(Rng(9), 2, {20}, 64, 64));
}

TEST(CpuLoss, TakesChannelSlicesOfAWiderMap) {
  const SineCase c(16, {.1, .2, .3});
  HeadMaps dense;
  for (const at::Tensor& m : c.maps.boxes)
    dense.boxes.push_back(m.contiguous(at::MemoryFormat::ChannelsLast));
  for (const at::Tensor& m : c.maps.classes)
    dense.classes.push_back(m.contiguous(at::MemoryFormat::ChannelsLast));
  const DetectionLossOptions options{.classes = 3, .class_weights = {0.5F, 1.F, 1.5F}};
  HeadMaps from_slices = testing::Unwritten(dense), from_dense = testing::Unwritten(dense);
  const auto loss = MakeCpuDetectionLoss(options);
  const LossSums a = loss->ForwardBackward(c.maps, c.targets, 1, from_slices);
  const LossSums b = loss->ForwardBackward(dense, c.targets, 1, from_dense);
  EXPECT_NEAR(a.sum(), b.sum(), 1e-6 * b.sum());
  for (std::size_t l = 0; l < 3; ++l) {
    EXPECT_TRUE(at::equal(from_slices.boxes[l], from_dense.boxes[l]));
    EXPECT_TRUE(at::allclose(from_slices.classes[l], from_dense.classes[l], 1e-5, 1e-6));
  }
}

TEST_P(BothLosses, SumsOfMicroBatchesAddUpToTheBatch) {
  const DetectionLossOptions options{.classes = 3};
  const HeadMaps maps = RandomMaps(Rng(31), options, 8, 64, 96);
  const BatchTargets targets = RandomTargets(Rng(32), 3, {1, 0, 9, 30, 2, 0, 4, 11}, 64, 96);
  const auto loss = Make(GetParam(), options);
  HeadMaps whole = testing::Unwritten(maps);
  const LossSums expected = loss->ForwardBackward(maps, targets, 1, whole);
  for (const std::int64_t at_once : {1, 2, 4}) {
    HeadMaps pieces = testing::Unwritten(maps);
    LossSums sums;
    for (std::int64_t i = 0; i < 8; i += at_once) {
      HeadMaps piece = Images(pieces, i, i + at_once);
      sums += loss->ForwardBackward(Images(maps, i, i + at_once), Images(targets, i, i + at_once),
                                    1, piece);
    }
    EXPECT_NEAR(sums.sum(), expected.sum(), 1e-9 * expected.sum());
    EXPECT_NEAR(sums.target_scores, expected.target_scores, 1e-9 * expected.target_scores);
    for (std::size_t l = 0; l < 3; ++l) {
      EXPECT_TRUE(at::equal(pieces.boxes[l], whole.boxes[l]));
      EXPECT_TRUE(at::equal(pieces.classes[l], whole.classes[l]));
    }
  }
}

TEST(CpuLoss, DoesNotDependOnTheNumberOfThreads) {
  const DetectionLossOptions options{.classes = 3};
  const HeadMaps maps = RandomMaps(Rng(41), options, 5, 96, 96);
  const BatchTargets targets = RandomTargets(Rng(42), 3, {1, 0, 9, 30, 2}, 96, 96);
  const int threads = at::get_num_threads();
  std::vector<LossSums> sums;
  std::vector<HeadMaps> gradients;
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    gradients.push_back(testing::Unwritten(maps));
    sums.push_back(
        MakeCpuDetectionLoss(options)->ForwardBackward(maps, targets, 1, gradients.back()));
  }
  at::set_num_threads(threads);
  for (std::size_t i = 1; i < sums.size(); ++i) {
    EXPECT_EQ(sums[i].sum(), sums[0].sum());
    for (std::size_t l = 0; l < 3; ++l)
      EXPECT_TRUE(at::equal(gradients[i].boxes[l], gradients[0].boxes[l]));
  }
}

TEST_P(BothLosses, ForwardAloneGivesTheSameSums) {
  const SineCase c(16, {.1, .2, .3});
  const auto loss = Make(GetParam(), {.classes = 3});
  HeadMaps gradients = testing::Unwritten(c.maps);
  EXPECT_NEAR(loss->Forward(c.maps, c.targets).sum(),
              loss->ForwardBackward(c.maps, c.targets, 1, gradients).sum(), 1e-6);
}

// The targets are constants, so a step along the gradient changes the sum by the gradient's square,
// where the assignment stays; for that a small step is taken and the class targets are few.
TEST(CpuLoss, GradientAgreesWithFiniteDifferencesOfTheWhole) {
  const SineCase c(16, {.1, .2, .3});
  const auto loss = MakeCpuDetectionLoss({.classes = 3});
  HeadMaps gradients = testing::Unwritten(c.maps);
  loss->ForwardBackward(c.maps, c.no_targets, 1, gradients);
  HeadMaps up, down;
  double square = 0;
  for (std::size_t l = 0; l < 3; ++l) {
    square += gradients.classes[l].square().sum(at::kDouble).item<double>();
    up.boxes.push_back(c.maps.boxes[l]);
    down.boxes.push_back(c.maps.boxes[l]);
    up.classes.push_back((c.maps.classes[l] + 1e-3 * gradients.classes[l])
                             .contiguous(at::MemoryFormat::ChannelsLast));
    down.classes.push_back((c.maps.classes[l] - 1e-3 * gradients.classes[l])
                               .contiguous(at::MemoryFormat::ChannelsLast));
  }
  const double slope =
      (loss->Forward(up, c.no_targets).sum() - loss->Forward(down, c.no_targets).sum()) / 2e-3;
  EXPECT_NEAR(slope / square, 1, 1e-3);
}

TEST_P(BothLosses, CarryNanLogitsIntoTheSum) {
  SineCase c(16, {.1, .2, .3});
  c.maps.classes[1][1][2][3][1] = NAN;
  EXPECT_TRUE(std::isnan(Make(GetParam(), {.classes = 3})->Forward(c.maps, c.targets).sum()));
}

TEST_P(BothLosses, RefuseMapsThatDoNotFit) {
  const SineCase c(16, {.1, .2, .3});
  EXPECT_THROW((void)Make(GetParam(), {.classes = 4})->Forward(c.maps, c.targets), InternalError);
  BatchTargets one_image;
  one_image.AddImage({});
  EXPECT_THROW((void)Make(GetParam(), {.classes = 3})->Forward(c.maps, one_image), InternalError);
  BatchTargets wrong_class;
  wrong_class.AddImage(std::vector{testing::Label(3, {.5F, .5F, .5F, .5F}, 64, 64)});
  wrong_class.AddImage({});
  EXPECT_THROW((void)Make(GetParam(), {.classes = 3})->Forward(c.maps, wrong_class), InternalError);
}

TEST(CpuLoss, RefusesMapsThatAreNotChannelsLast) {
  SineCase c(16, {.1, .2, .3});
  c.maps.classes[0] = c.maps.classes[0].contiguous();
  EXPECT_THROW((void)MakeCpuDetectionLoss({.classes = 3})->Forward(c.maps, c.targets),
               InternalError);
}

TEST(CpuLoss, DeclaresAWorkspaceThatDoesNotGrowWithTheBoxesSizes) {
  const DetectionLossOptions options{.classes = 80};
  const AnchorGrid grid = AnchorGrid::ForImage(640, 640, options.strides);
  const Bytes sparse = EstimateMemory(options, grid, 1, 10).Total(),
              dense = EstimateMemory(options, grid, 1, 5000).Total();
  EXPECT_LT(sparse, Bytes::MiB(1));
  EXPECT_LT(dense, Bytes::MiB(2));
}

}  // namespace
}  // namespace headroom
