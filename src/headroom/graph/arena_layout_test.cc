// SPDX-License-Identifier: Apache-2.0
#include "headroom/graph/arena_layout.h"

#include "headroom/core/rng.h"
#include "headroom/graph/program_replay.h"

#include <gtest/gtest.h>

#include <vector>

namespace headroom {
namespace {

using testing::FindOverlap;

Buffer Block(std::int64_t bytes, int first_use, int last_use) {
  return {.shape = {1, bytes, {1, 1}},
          .element = Element::kUint8,
          .first_use = first_use,
          .last_use = last_use};
}

// One layout: where everything lies, and the arena.
Program LaidOut(std::vector<Buffer> buffers) {
  Program program;
  program.buffers = std::move(buffers);
  program.arena = LayOutArena(program.buffers);
  return program;
}

TEST(ArenaLayout, BuffersThatNeverMeetShareTheirPlace) {
  const Program program = LaidOut({Block(640, 0, 3), Block(640, 4, 9), Block(640, 10, 10)});
  EXPECT_EQ(program.buffers[0].offset, program.buffers[1].offset);
  EXPECT_EQ(program.buffers[0].offset, program.buffers[2].offset);
  EXPECT_EQ(program.arena.count(), 640 + kArenaAlignment);
}

TEST(ArenaLayout, ALastUseMeetsAFirstUseOfTheSameInstruction) {
  const Program program = LaidOut({Block(64, 0, 3), Block(64, 3, 5)});
  EXPECT_NE(program.buffers[0].offset, program.buffers[1].offset);
  EXPECT_EQ(FindOverlap(program), "");
}

// A result placed there would pass for the arena itself when LibTorch frees it.
TEST(ArenaLayout, NothingLiesAtTheFirstByte) {
  for (const Buffer& buffer : LaidOut({Block(1, 0, 0), Block(100, 0, 0)}).buffers)
    EXPECT_GE(buffer.offset, static_cast<std::int64_t>(kArenaAlignment));
}

TEST(ArenaLayout, TheLowestGapThatTakesABufferIsTaken) {
  // The middle one of three goes; what is as large comes into its place.
  const Program program =
      LaidOut({Block(300, 0, 9), Block(200, 0, 3), Block(100, 0, 9), Block(180, 4, 9)});
  EXPECT_EQ(program.buffers[3].offset, program.buffers[1].offset);
}

TEST(ArenaLayout, WhatLibTorchHoldsItselfHasNoPlace) {
  Buffer foreign = Block(1000, 0, 1);
  foreign.foreign = true;
  const Program program = LaidOut({foreign, Block(64, 0, 1)});
  EXPECT_EQ(program.buffers[0].offset, -1);
  EXPECT_EQ(program.arena.count(), 64 + kArenaAlignment);
  EXPECT_EQ(LowerBound(program.buffers).count(), 64);
}

TEST(ArenaLayout, AnEmptyProgramTakesNothing) {
  EXPECT_EQ(LaidOut({}).arena.count(), 0);
  EXPECT_EQ(LowerBound({}).count(), 0);
}

TEST(ArenaLayout, RandomLifetimesNeverOverlapAndStayNearTheLowerBound) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Rng rng = Rng(seed).Fork(1, 2);
    std::vector<Buffer> buffers;
    for (std::uint64_t i = 0; i < 5 + seed * 3; ++i) {
      const int first = static_cast<int>(rng.Integer(0, 99));
      const int length = static_cast<int>(rng.Integer(0, 19));
      buffers.push_back(Block(rng.Integer(1, 99999), first, first + length));
    }
    const Program program = LaidOut(buffers);
    EXPECT_EQ(FindOverlap(program), "") << "seed " << seed;
    const Bytes least = LowerBound(program.buffers);
    EXPECT_GE(program.arena, least);
    EXPECT_LE(program.arena.count(), least.count() * 3 / 2 + kArenaAlignment) << "seed " << seed;
  }
}

}  // namespace
}  // namespace headroom
