// SPDX-License-Identifier: Apache-2.0
#include "headroom/graph/arena_layout.h"
#include "headroom/graph/fake_operation.h"
#include "headroom/graph/gradient_sources.h"
#include "headroom/graph/program_replay.h"
#include "headroom/graph/random_graph.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace headroom {
namespace {

using testing::FakeConvolution;
using testing::FakePass;
using testing::FakeProjection;
using testing::FindOverlap;
using testing::RandomGraph;
using testing::ReplayProgram;

constexpr Extent kImage{16, 24};
constexpr std::array kEveryRecompute = {Recompute::kNone, Recompute::kActivations,
                                        Recompute::kBlocks};

std::int64_t Count(const Program& program, InstructionKind kind) {
  return std::count_if(program.instructions.begin(), program.instructions.end(),
                       [&](const Instruction& i) { return i.kind == kind; });
}

// Image, pixels, two convolutions, a projection.
Graph Chain() {
  Graph graph;
  const ValueId pixels = graph.AddNode(FakePass({3}, false), {{graph.AddInput(3)}}, "pixels", 0)[0];
  const ValueId a = graph.AddNode(FakeConvolution(8), {{pixels}}, "a", 0)[0];
  const ValueId b = graph.AddNode(FakeConvolution(8), {{a}}, "b", 1)[0];
  graph.MarkOutput(graph.AddNode(FakeProjection(4), {{b}}, "head", 2)[0]);
  return graph;
}

void ExpectSound(const Graph& graph, const ProgramOptions& options, const std::string& what) {
  const Program program = Lower(graph, options);
  EXPECT_EQ(ReplayProgram(graph, program), "") << what;
  EXPECT_EQ(FindOverlap(program), "") << what;
  EXPECT_GE(program.arena, LowerBound(program.buffers)) << what;
}

TEST(Lowering, RandomNetworksTrainSoundly) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    const RandomGraph random(seed);
    for (const Recompute recompute : kEveryRecompute) {
      for (const bool placed : {true, false}) {
        ExpectSound(
            random.graph,
            {.images = 2, .extent = kImage, .recompute = recompute, .place_foreign = placed},
            fmt::format("seed {}, recompute {}, placed {}", seed, static_cast<int>(recompute),
                        placed));
      }
    }
  }
}

TEST(Lowering, RandomFrozenLayersTrainSoundly) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    const RandomGraph random(seed);
    Rng rng = Rng(seed).Fork(9);
    std::vector<bool> trained;
    for (int i = 0; i < random.layers(); ++i) trained.push_back(rng.Chance(0.6));
    for (const Recompute recompute : kEveryRecompute) {
      ExpectSound(random.graph,
                  {.extent = kImage, .recompute = recompute, .trained_layers = trained},
                  fmt::format("seed {}, recompute {}", seed, static_cast<int>(recompute)));
    }
  }
}

TEST(Lowering, RandomNetworksInferSoundlyWithEveryChoiceOfOutputs) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    const RandomGraph random(seed);
    const std::size_t outputs = random.graph.outputs().size();
    for (std::size_t chosen = 1; chosen < std::size_t{1} << outputs; ++chosen) {
      std::vector<bool> wanted;
      for (std::size_t i = 0; i < outputs; ++i) wanted.push_back((chosen >> i & 1) != 0);
      ProgramOptions options{.purpose = Purpose::kInference, .images = 3, .extent = kImage};
      options.wanted_outputs = wanted;
      ExpectSound(random.graph, options, fmt::format("seed {}, outputs {}", seed, chosen));
      const Program program = Lower(random.graph, options);
      for (std::size_t i = 0; i < outputs; ++i)
        EXPECT_EQ(static_cast<bool>(program.outputs[i]), wanted[i]);
    }
  }
}

TEST(Lowering, TheSameGraphGivesTheSameProgram) {
  const RandomGraph random(7);
  const Program a = Lower(random.graph, {.extent = kImage});
  const Program b = Lower(random.graph, {.extent = kImage});
  ASSERT_EQ(a.buffers.size(), b.buffers.size());
  for (std::size_t i = 0; i < a.buffers.size(); ++i)
    EXPECT_EQ(a.buffers[i].offset, b.buffers[i].offset);
  EXPECT_EQ(a.arena, b.arena);
}

TEST(Lowering, WhatIsKeptDependsOnRecompute) {
  const Graph graph = Chain();
  const Program none = Lower(graph, {.extent = kImage, .recompute = Recompute::kNone});
  EXPECT_EQ(Count(none, InstructionKind::kRematerialize), 0);
  EXPECT_EQ(Count(none, InstructionKind::kRecomputeForward), 0);
  // Convolutions are not run again; their outputs are made from what they saved, the pixels from
  // the image.
  const Program activations = Lower(graph, {.extent = kImage});
  EXPECT_EQ(Count(activations, InstructionKind::kRematerialize), 2);
  EXPECT_EQ(Count(activations, InstructionKind::kRecomputeForward), 1);
  EXPECT_LT(activations.arena, none.arena);
}

TEST(Lowering, BlocksKeepLayersBoundariesAndRunTheirInsideAgain) {
  Graph graph;
  ValueId x = graph.AddNode(FakePass({3}, false), {{graph.AddInput(3)}}, "pixels", 0)[0];
  for (int layer = 0; layer < 3; ++layer) {
    for (const char* name : {"a", "b", "c"}) {
      x = graph.AddNode(FakeConvolution(16), {{x}}, fmt::format("{}{}", name, layer), layer)[0];
    }
  }
  graph.MarkOutput(graph.AddNode(FakeProjection(4), {{x}}, "head", 3)[0]);
  const Program activations = Lower(graph, {.extent = kImage});
  const Program blocks = Lower(graph, {.extent = kImage, .recompute = Recompute::kBlocks});
  std::vector<std::string> again;
  for (const Instruction& i : blocks.instructions) {
    if (i.kind == InstructionKind::kRecomputeForward) again.push_back(graph.node(i.node).name);
  }
  for (const char* inside : {"a0", "b0", "a1", "b1", "a2", "b2"})
    EXPECT_EQ(std::count(again.begin(), again.end(), inside), 1) << inside;
  for (const char* boundary : {"c0", "c1", "c2"})
    EXPECT_EQ(std::count(again.begin(), again.end(), boundary), 0) << boundary;
  EXPECT_LT(blocks.arena, activations.arena);
}

TEST(Lowering, InferenceSavesNothingAndActivatesInPlace) {
  const Graph graph = Chain();
  const Program program = Lower(graph, {.purpose = Purpose::kInference, .extent = kImage});
  EXPECT_EQ(program.loss_instruction + 1, static_cast<int>(program.instructions.size()));
  EXPECT_EQ(Count(program, InstructionKind::kBackward), 0);
  for (const Instruction& i : program.instructions) {
    if (i.saved >= 0) {
      EXPECT_EQ(i.saved, i.outputs[0][0].view.buffer);
    }
  }
  // The image, one operand a convolution, the projection.
  EXPECT_EQ(program.buffers.size(), 5U);
}

TEST(Lowering, NothingRunsBackwardBelowTheLastTrainedLayer) {
  const Graph graph = Chain();
  const Program program = Lower(graph, {.extent = kImage, .trained_layers = {false, true, true}});
  std::vector<std::string> backward;
  for (const Instruction& i : program.instructions) {
    if (i.kind == InstructionKind::kBackward) backward.push_back(graph.node(i.node).name);
  }
  EXPECT_EQ(backward, (std::vector<std::string>{"head", "b"}));
}

TEST(Lowering, ADetachedInputGetsNoGradient) {
  Graph graph;
  const ValueId x = graph.AddNode(FakePass({3}, false), {{graph.AddInput(3)}}, "pixels", 0)[0];
  const ValueId a = graph.AddNode(FakeConvolution(8), {{x}}, "a", 0)[0];
  graph.MarkOutput(graph.AddNode(FakeProjection(4), {{a, true}}, "head", 1)[0]);
  const Program program = Lower(graph, {.extent = kImage});
  EXPECT_EQ(Count(program, InstructionKind::kBackward), 1);
  EXPECT_EQ(ReplayProgram(graph, program), "");
}

TEST(Lowering, MoreReadersThanAnOperationSumsAreSummedBefore) {
  for (const std::size_t readers : {kMaxGradientSources, kMaxGradientSources + 1}) {
    Graph graph;
    const ValueId x = graph.AddNode(FakePass({3}, false), {{graph.AddInput(3)}}, "pixels", 0)[0];
    const ValueId a = graph.AddNode(FakeConvolution(8), {{x}}, "a", 0)[0];
    for (std::size_t i = 0; i < readers; ++i)
      graph.MarkOutput(graph.AddNode(FakeProjection(4), {{a}}, "head", 1)[0]);
    const Program program = Lower(graph, {.extent = kImage});
    EXPECT_EQ(Count(program, InstructionKind::kSumGradients),
              readers > kMaxGradientSources ? 1 : 0);
    EXPECT_EQ(ReplayProgram(graph, program), "");
  }
}

TEST(Lowering, TheWorkspaceIsTheLargestOfAllCalls) {
  // A fake operation asks for a byte a channel of its input.
  EXPECT_EQ(Lower(Chain(), {.extent = kImage}).workspace.count(), 8);
}

TEST(Lowering, BuffersGrowWithImagesAndExtent) {
  const Graph graph = Chain();
  const Program one = Lower(graph, {.images = 1, .extent = kImage});
  const Program four = Lower(graph, {.images = 4, .extent = kImage});
  const Program large = Lower(graph, {.images = 1, .extent = {32, 48}});
  EXPECT_GT(four.arena.count(), one.arena.count() * 3);
  EXPECT_EQ(four.arena, large.arena);
}

// The replay itself: it must see what it is there for.
TEST(ProgramReplay, SeesEachKindOfFault) {
  const RandomGraph random(3);
  const Program good = Lower(random.graph, {.extent = kImage});
  ASSERT_EQ(ReplayProgram(random.graph, good), "");
  const auto broken = [&](const auto& change) {
    Program program = good;
    change(program);
    return ReplayProgram(random.graph, program) + FindOverlap(program);
  };
  EXPECT_NE(broken([](Program& p) { p.instructions.erase(p.instructions.begin() + 1); }), "");
  EXPECT_NE(broken([](Program& p) {
              for (Buffer& buffer : p.buffers) buffer.offset = 64;
            }),
            "");
  EXPECT_NE(broken([](Program& p) { p.buffers[1].last_use = p.buffers[1].first_use; }), "");
  EXPECT_NE(broken([](Program& p) {
              auto backward =
                  std::ranges::find(p.instructions, InstructionKind::kBackward, &Instruction::kind);
              backward->output_grads[0].push_back(backward->output_grads[0][0]);
            }),
            "");
  EXPECT_NE(broken([](Program& p) { p.instructions.pop_back(); }), "");
}

}  // namespace
}  // namespace headroom
