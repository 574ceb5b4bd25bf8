// SPDX-License-Identifier: Apache-2.0
#include "headroom/graph/placement_plan.h"

#include "headroom/graph/fake_operation.h"
#include "headroom/graph/random_graph.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace headroom {
namespace {

using testing::FakeConvolution;
using testing::FakePass;
using testing::FakeProjection;
using testing::RandomGraph;

// The image, made pixels: what every graph begins with.
class PlacementPlanTest : public ::testing::Test {
 protected:
  ValueId Add(std::unique_ptr<Operation> operation, std::vector<NodeInput> inputs) {
    return graph_.AddNode(std::move(operation), std::move(inputs), "node", 0)[0];
  }
  void Head(ValueId value) { graph_.MarkOutput(Add(FakeProjection(2), {{value}})); }
  [[nodiscard]] PlacementPlan Plan() const { return {graph_, {}}; }

  Graph graph_;
  ValueId pixels_ = Add(FakePass({3}, false), {{graph_.AddInput(3)}});
};

TEST_F(PlacementPlanTest, ReadersOfTheSameChannelsShareOneTensor) {
  const ValueId x = Add(FakeConvolution(8), {{pixels_}});
  Head(x);
  Head(x);
  const PlacementPlan plan = Plan();
  ASSERT_EQ(plan.places(x).size(), 1U);
  EXPECT_TRUE(plan.places(x)[0].is_dense());
}

TEST_F(PlacementPlanTest, AConvolutionOfASliceGetsItsOwnDenseTensor) {
  const ValueId x = Add(FakeConvolution(8), {{pixels_}});
  Head(graph_.Slice(x, 0, 5));
  Head(graph_.Slice(x, 5, 3));
  const PlacementPlan plan = Plan();
  ASSERT_EQ(plan.places(x).size(), 2U);
  EXPECT_EQ(plan.places(x)[0].range, (ChannelRange{x, 0, 5}));
  EXPECT_EQ(plan.places(x)[1].range, (ChannelRange{x, 5, 3}));
  EXPECT_NE(plan.DenseOf({x, 0, 5}), plan.DenseOf({x, 5, 3}));
}

TEST_F(PlacementPlanTest, ProducersWriteStraightIntoAConcatenation) {
  const ValueId x = Add(FakeConvolution(8), {{pixels_}});
  const ValueId y = Add(FakeConvolution(4), {{pixels_}});
  const ValueId both = graph_.Concat({y, x});
  Head(both);
  const PlacementPlan plan = Plan();
  ASSERT_EQ(plan.places(x).size(), 1U);
  EXPECT_EQ(plan.places(x)[0].concat, both);
  EXPECT_EQ(plan.places(x)[0].concat_channel, 4);
  EXPECT_EQ(plan.places(y)[0].concat_channel, 0);
}

TEST_F(PlacementPlanTest, NeighbouringSlicesOfOneValueAreOnePart) {
  const ValueId x = Add(FakeConvolution(8), {{pixels_}});
  const ValueId whole = graph_.Concat({graph_.Slice(x, 0, 5), graph_.Slice(x, 5, 3)});
  const ValueId turned = graph_.Concat({graph_.Slice(x, 5, 3), graph_.Slice(x, 0, 5)});
  Head(whole);
  Head(turned);
  const PlacementPlan plan = Plan();
  ASSERT_EQ(plan.parts(whole).size(), 1U);
  EXPECT_EQ(plan.parts(whole)[0].range, (ChannelRange{x, 0, 8}));
  EXPECT_EQ(plan.parts(turned).size(), 2U);
}

TEST_F(PlacementPlanTest, WhoTakesAnySliceNeedsNoTensorOfItsOwn) {
  const ValueId x = Add(FakeConvolution(8), {{pixels_}});
  Head(x);
  Head(Add(FakePass({3}, true), {{graph_.Slice(x, 2, 3)}}));
  EXPECT_EQ(Plan().places(x).size(), 1U);
}

TEST_F(PlacementPlanTest, AValueThatOnlySuchReadersReadLiesSomewhere) {
  const ValueId x = Add(FakeConvolution(8), {{pixels_}});
  Head(Add(FakePass({3}, true), {{graph_.Slice(x, 2, 3)}}));
  const PlacementPlan plan = Plan();
  ASSERT_EQ(plan.places(x).size(), 1U);
  EXPECT_EQ(plan.places(x)[0].range, (ChannelRange{x, 2, 3}));
}

TEST_F(PlacementPlanTest, WhatNoWantedOutputNeedsHasNoPlace) {
  const ValueId x = Add(FakeConvolution(8), {{pixels_}});
  const ValueId y = Add(FakeConvolution(8), {{pixels_}});
  Head(x);
  Head(y);
  const PlacementPlan plan(graph_, {false, true});
  EXPECT_FALSE(plan.Needed(graph_.value(x).producer));
  EXPECT_TRUE(plan.places(x).empty());
  EXPECT_TRUE(plan.Needed(graph_.value(y).producer));
}

// Every reader finds its channels in one place, every part of a concatenation has its slot, and no
// two slots of one concatenation overlap.
TEST(PlacementPlan, RandomNetworksHaveAPlaceForEveryReader) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const RandomGraph random(seed);
    const Graph& graph = random.graph;
    const PlacementPlan plan(graph, {});
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes().size()); ++id) {
      if (!plan.Needed(id)) continue;
      for (const NodeInput& input : graph.node(id).inputs) {
        if (graph.value(input.value).is_concat()) {
          std::int64_t next = 0;
          for (const ConcatPart& part : plan.parts(input.value)) {
            EXPECT_EQ(part.concat_channel, next) << "seed " << seed;
            next += part.range.count;
          }
          EXPECT_EQ(next, graph.value(input.value).channels) << "seed " << seed;
          continue;
        }
        const ChannelRange range = plan.Resolve(input.value);
        const auto places = plan.places(range.root);
        EXPECT_TRUE(std::any_of(places.begin(), places.end(),
                                [&](const Place& place) { return place.range.Contains(range); }))
            << "seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace headroom
