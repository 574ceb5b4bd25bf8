// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/graph.h"
#include "headroom/graph/program.h"

#include <string>

namespace headroom::testing {

// Runs a program on names instead of numbers: what every channel of every buffer holds is followed
// from instruction to instruction. The first thing that is wrong, or "":
// - an operand that does not hold, where it lies, exactly the channels that the graph says: never
//   written, written over by another buffer of the arena, let go, or another value's;
// - a gradient that lacks a reader's share or has one twice;
// - more gradients of one output than an operation sums, a trained layer without a backward;
// - a buffer used outside its lifetime.
[[nodiscard]] std::string ReplayProgram(const Graph& graph, const Program& program);

// Two buffers of the arena that are in use at one time and overlap, or one that reaches beyond it;
// "" where all lie well.
[[nodiscard]] std::string FindOverlap(const Program& program);

}  // namespace headroom::testing
