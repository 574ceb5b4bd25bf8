// SPDX-License-Identifier: Apache-2.0
#include "step_profile.h"

#include "convolutions_alone.h"
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <map>

namespace headroom {
namespace {

using Clock = std::chrono::steady_clock;

enum Column : std::size_t { kForwardColumn, kAgainColumn, kBackwardColumn, kColumns };

struct Row {
  std::array<double, kColumns> seconds{};
  int calls = 0;
};

Column ColumnOf(InstructionKind kind) {
  switch (kind) {
    case InstructionKind::kForward:
      return kForwardColumn;
    case InstructionKind::kBackward:
    case InstructionKind::kSumGradients:
      return kBackwardColumn;
    default:
      return kAgainColumn;
  }
}

std::string KindOf(const Graph& graph, const Instruction& instruction) {
  if (instruction.kind == InstructionKind::kCopy) return "copy";
  if (instruction.kind == InstructionKind::kSumGradients) return "sum of gradients";
  return std::string(graph.node(instruction.node).operation->type());
}

void PrintConvolutions(ConvolutionSeconds alone) {
  std::cout << fmt::format(
      "convolutions alone: forward {:.1f} ms, backward {:.1f} ms (of both, depth-wise {:.1f}); "
      "{:.0f} GFLOP/s; the slowest:\n",
      1e3 * alone.forward, 1e3 * alone.backward, 1e3 * alone.depthwise,
      3 * alone.gflop_forward / (alone.forward + alone.backward));
  std::sort(alone.layers.begin(), alone.layers.end(), [](const auto& a, const auto& b) {
    return a.forward + a.backward > b.forward + b.backward;
  });
  alone.layers.resize(std::min<std::size_t>(alone.layers.size(), 8));
  for (const auto& layer : alone.layers) {
    const ConvolutionSpec& spec = layer.spec;
    std::cout << fmt::format(
        "  {:<22} {}x{} {}->{} kernel {} stride {} groups {}: {:.1f} + {:.1f}\n", layer.name,
        layer.input.height, layer.input.width, spec.in_channels, spec.out_channels, spec.kernel,
        spec.stride, spec.groups, 1e3 * layer.forward, 1e3 * layer.backward);
  }
}

}  // namespace

void PrintProfile(TrainingStep& step, const StepVariant& variant, int rounds) {
  std::map<std::string, Row> rows;
  for (int i = 0; i < 2; ++i) (void)step.Run();
  const TrainingStep::Parts before = step.parts();
  Clock::time_point last;
  double network = 0;
  step.executor().before_run = [&] { last = Clock::now(); };
  step.executor().after_instruction = [&](const Instruction& instruction) {
    const Clock::time_point now = Clock::now();
    Row& row = rows[KindOf(*step.model().graph, instruction)];
    const double seconds = std::chrono::duration<double>(now - last).count();
    row.seconds[ColumnOf(instruction.kind)] += seconds;
    network += seconds;
    ++row.calls;
    last = Clock::now();
  };
  for (int i = 0; i < rounds; ++i) (void)step.Run();
  step.executor().after_instruction = nullptr;
  step.executor().before_run = nullptr;
  const double n = rounds;
  std::cout << fmt::format("{:<18}{:>8}{:>11}{:>11}{:>11}\n", "milliseconds", "calls", "forward",
                           "again", "backward");
  for (const auto& [kind, row] : rows) {
    std::cout << fmt::format("{:<18}{:>8}{:>11.1f}{:>11.1f}{:>11.1f}\n", kind, row.calls / rounds,
                             1e3 * row.seconds[0] / n, 1e3 * row.seconds[1] / n,
                             1e3 * row.seconds[2] / n);
  }
  const double whole = step.parts().network_and_loss - before.network_and_loss;
  std::cout << fmt::format("{:<18}{:>19.1f}\n{:<18}{:>19.1f}\n", "loss, input, sums",
                           1e3 * (whole - network) / n, "clip, step, ema",
                           1e3 * (step.parts().optimizer - before.optimizer) / n);
  PrintConvolutions(TimeConvolutions(*step.model().graph, variant.batch,
                                     {variant.image_size, variant.image_size}, variant.element, 3));
}

}  // namespace headroom
