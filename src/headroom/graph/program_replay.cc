// SPDX-License-Identifier: Apache-2.0
#include "headroom/graph/program_replay.h"

#include "headroom/core/check.h"
#include "headroom/graph/arena_layout.h"
#include "headroom/graph/gradient_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

namespace headroom::testing {
namespace {

// What a channel holds: a value's channel, an operation's raw result, or shares of a gradient.
struct Share {
  NodeId reader = -1;  // -1: the loss.
  std::size_t input = 0;
  std::int64_t channel = 0;
  friend auto operator<=>(const Share&, const Share&) = default;
};
enum class Kind : std::uint8_t { kNothing, kValue, kRaw, kGradient };
struct Content {
  Kind kind = Kind::kNothing;
  int id = -1;  // ValueId of the root, NodeId of a raw result.
  std::int64_t channel = 0;
  std::vector<Share> shares;
  friend bool operator==(const Content&, const Content&) = default;
};

std::size_t At(std::int64_t i) { return static_cast<std::size_t>(i); }

// A failed expectation, with where.
class Wrong : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Replay {
 public:
  Replay(const Graph& graph, const Program& program) : graph_(graph), program_(program) {
    for (const Buffer& buffer : program.buffers) holds_.emplace_back(At(buffer.shape.channels));
    for (std::int64_t c = 0; c < graph.value(graph.input()).channels; ++c)
      holds_[At(program.input_buffer)][At(c)] = {Kind::kValue, graph.input(), c, {}};
  }

  void Run() {
    for (now_ = 0; now_ < static_cast<int>(program_.instructions.size()); ++now_)
      Step(program_.instructions[At(now_)]);
    if (program_.options.purpose == Purpose::kTraining) ExpectEveryBackward();
  }

 private:
  using Gradient = std::vector<Share>;

  void Expect(bool right, const std::string& what) const {
    if (!right) throw Wrong(fmt::format("instruction {}: {}", now_, what));
  }

  const Buffer& Used(const View& view) const {
    const Buffer& buffer = program_.buffers[At(view.buffer)];
    Expect(buffer.first_use <= now_ && now_ <= buffer.last_use, "a buffer outside its lifetime");
    Expect(view.first_channel >= 0 && view.channels > 0 &&
               view.first_channel + view.channels <= buffer.shape.channels,
           "channels that the buffer does not have");
    return buffer;
  }

  const Content& Read(const View& view, std::int64_t channel) const {
    Used(view);
    return holds_[At(view.buffer)][At(view.first_channel + channel)];
  }

  // Whatever lies at the same bytes is gone.
  void Write(const View& view, std::int64_t channel, Content content) {
    const Buffer& mine = Used(view);
    for (std::size_t i = 0; i < program_.buffers.size(); ++i) {
      const Buffer& other = program_.buffers[i];
      if (static_cast<int>(i) == view.buffer || mine.offset < 0 || other.offset < 0) continue;
      const auto end = [](const Buffer& b) {
        return b.offset + static_cast<std::int64_t>(b.bytes().count());
      };
      if (mine.offset < end(other) && other.offset < end(mine))
        std::fill(holds_[i].begin(), holds_[i].end(), Content{});
    }
    holds_[At(view.buffer)][At(view.first_channel + channel)] = std::move(content);
  }

  // The producer's output (or the image) and its channel behind each channel of a value.
  std::vector<std::pair<ValueId, std::int64_t>> Roots(ValueId id) const {
    const Value& value = graph_.value(id);
    std::vector<std::pair<ValueId, std::int64_t>> roots;
    for (const ValueId part : value.parts) {
      const auto more = Roots(part);
      roots.insert(roots.end(), more.begin(), more.end());
    }
    if (value.is_concat()) return roots;
    for (std::int64_t c = 0; c < value.channels; ++c) {
      roots.emplace_back(value.is_slice() ? value.slice_of : id, value.first_channel + c);
    }
    return roots;
  }

  void ExpectValue(const View& view, ValueId value) const {
    const auto roots = Roots(value);
    Expect(view && view.channels == static_cast<std::int64_t>(roots.size()),
           "an operand of another width");
    for (std::size_t c = 0; c < roots.size(); ++c) {
      const Content& content = Read(view, static_cast<std::int64_t>(c));
      Expect(content == Content{Kind::kValue, roots[c].first, roots[c].second, {}},
             fmt::format("channel {} of value {} is not where it is read", c, value));
    }
  }

  void WriteOutputs(const Instruction& instruction, const Node& node) {
    for (std::size_t o = 0; o < instruction.outputs.size(); ++o) {
      for (const ValueView& to : instruction.outputs[o]) {
        for (std::int64_t c = 0; c < to.view.channels; ++c)
          Write(to.view, c, {Kind::kValue, node.outputs[o], to.value_channel + c, {}});
      }
    }
  }

  View WholeOf(int buffer) const {
    return {buffer, 0, program_.buffers[At(buffer)].shape.channels};
  }

  void ExpectRaw(const Instruction& instruction) const {
    Expect(instruction.saved >= 0, "nothing was saved");
    const View view = WholeOf(instruction.saved);
    for (std::int64_t c = 0; c < view.channels; ++c) {
      Expect(Read(view, c) == Content{Kind::kRaw, instruction.node, c, {}},
             fmt::format("the saved tensor of {} is gone", graph_.node(instruction.node).name));
    }
  }

  void RunForward(const Instruction& instruction) {
    const Node& node = graph_.node(instruction.node);
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      ExpectValue(instruction.inputs[i], node.inputs[i].value);
    if (instruction.saved >= 0) {
      const View view = WholeOf(instruction.saved);
      for (std::int64_t c = 0; c < view.channels; ++c)
        Write(view, c, {Kind::kRaw, instruction.node, c, {}});
    }
    WriteOutputs(instruction, node);
  }

  void RunRematerialize(const Instruction& instruction) {
    const Node& node = graph_.node(instruction.node);
    const OperationTraits traits = node.operation->traits();
    ExpectRaw(instruction);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (traits.rematerialize_reads[i]) ExpectValue(instruction.inputs[i], node.inputs[i].value);
    }
    WriteOutputs(instruction, node);
  }

  void RunLoss(const Instruction& instruction) {
    std::size_t given = 0;
    for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
      if (!program_.outputs[i]) continue;
      ExpectValue(program_.outputs[i], graph_.outputs()[i]);
      if (program_.options.purpose != Purpose::kTraining) continue;
      const View& to = instruction.input_grads[given++];
      for (std::int64_t c = 0; c < to.channels; ++c)
        Write(to, c, {Kind::kGradient, -1, 0, {{-1, i, c}}});
    }
  }

  void RunCopy(const Instruction& instruction) {
    const View& from = instruction.inputs[0];
    const ValueView& to = instruction.outputs[0][0];
    Expect(from.channels == to.view.channels, "a copy of another width");
    for (std::int64_t c = 0; c < from.channels; ++c) Write(to.view, c, Read(from, c));
  }

  // Shares of one channel over a list of sources.
  Gradient SharesOf(const std::vector<ValueView>& sources, std::int64_t channel) const {
    Gradient shares;
    for (const ValueView& source : sources) {
      const std::int64_t at = channel - source.value_channel;
      if (at < 0 || at >= source.view.channels) continue;
      const Content& content = Read(source.view, at);
      Expect(content.kind == Kind::kGradient, "a gradient is not where it is read");
      shares.insert(shares.end(), content.shares.begin(), content.shares.end());
    }
    std::sort(shares.begin(), shares.end());
    return shares;
  }

  void RunSum(const Instruction& instruction) {
    const View& to = instruction.outputs[0][0].view;
    for (std::int64_t c = 0; c < to.channels; ++c)
      Write(to, c, {Kind::kGradient, -1, 0, SharesOf(instruction.output_grads[0], c)});
  }

  // What must have arrived for a channel of an operation's output: a share of every reader.
  void AddExpected(ValueId root, std::int64_t channel, Gradient* shares) const {
    for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
      if (graph_.outputs()[i] == root && program_.outputs[i]) shares->push_back({-1, i, channel});
    }
    for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
      const Node& node = graph_.node(id);
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        if (node.inputs[i].stop_gradient) continue;
        const auto roots = Roots(node.inputs[i].value);
        for (std::size_t c = 0; c < roots.size(); ++c) {
          if (roots[c] != std::pair(root, channel)) continue;
          const auto at = static_cast<std::int64_t>(c);
          if (node.operation->traits().passes_gradient[i]) {
            AddExpected(node.outputs[0], at, shares);
          } else if (done_.contains(id)) {
            shares->push_back({id, i, at});
          }
        }
      }
    }
  }

  void ExpectGradients(const Instruction& instruction, const Node& node) const {
    for (std::size_t o = 0; o < node.outputs.size(); ++o) {
      Expect(instruction.output_grads[o].size() <= kMaxGradientSources, "too many sources");
      for (std::int64_t c = 0; c < graph_.value(node.outputs[o]).channels; ++c) {
        Gradient expected;
        AddExpected(node.outputs[o], c, &expected);
        std::sort(expected.begin(), expected.end());
        Expect(SharesOf(instruction.output_grads[o], c) == expected,
               fmt::format("channel {} of {}'s gradient lacks a share or has one twice", c,
                           node.name));
      }
    }
  }

  bool Trained(NodeId id) const {
    const auto& layers = program_.options.trained_layers;
    const auto layer = At(graph_.node(id).layer);
    return !graph_.node(id).operation->ParameterIndices().empty() &&
           (layers.empty() || (layer < layers.size() && layers[layer]));
  }

  void RunBackward(const Instruction& instruction) {
    const Node& node = graph_.node(instruction.node);
    const OperationTraits traits = node.operation->traits();
    Expect(done_.insert(instruction.node).second, "a second backward of " + node.name);
    if (traits.saves) ExpectRaw(instruction);
    const bool without = node.operation->ParameterIndices().empty();
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (traits.backward_reads[i] && (Trained(instruction.node) || without))
        ExpectValue(instruction.inputs[i], node.inputs[i].value);
    }
    ExpectGradients(instruction, node);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const View& to = instruction.input_grads[i];
      if (!to) continue;
      for (std::int64_t c = 0; c < to.channels; ++c)
        Write(to, c, {Kind::kGradient, -1, 0, {{instruction.node, i, c}}});
    }
    // The gradient of the raw result is written over it.
    if (traits.saves) std::ranges::fill(holds_[At(instruction.saved)], Content{});
  }

  void Step(const Instruction& instruction) {
    switch (instruction.kind) {
      case InstructionKind::kForward:
      case InstructionKind::kRecomputeForward:
        return RunForward(instruction);
      case InstructionKind::kRematerialize:
        return RunRematerialize(instruction);
      case InstructionKind::kLoss:
        return RunLoss(instruction);
      case InstructionKind::kBackward:
        return RunBackward(instruction);
      case InstructionKind::kCopy:
        return RunCopy(instruction);
      case InstructionKind::kSumGradients:
        return RunSum(instruction);
    }
  }

  // Every trained operation that the loss depends on was run backwards.
  void ExpectEveryBackward() const {
    for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
      Gradient expected;
      for (const ValueId output : graph_.node(id).outputs) {
        for (std::int64_t c = 0; c < graph_.value(output).channels; ++c)
          AddExpected(output, c, &expected);
      }
      Expect(expected.empty() || !Trained(id) || done_.contains(id),
             graph_.node(id).name + " is trained and has no backward");
    }
  }

  const Graph& graph_;
  const Program& program_;
  std::vector<std::vector<Content>> holds_;  // By buffer and channel.
  std::set<NodeId> done_;                    // Nodes whose backward ran.
  int now_ = 0;
};

}  // namespace

std::string ReplayProgram(const Graph& graph, const Program& program) {
  try {
    Replay(graph, program).Run();
  } catch (const Wrong& wrong) {
    return wrong.what();
  }
  return "";
}

std::string FindOverlap(const Program& program) {
  const auto end = [](const Buffer& b) {
    return static_cast<std::uint64_t>(b.offset) + b.bytes().count();
  };
  for (std::size_t i = 0; i < program.buffers.size(); ++i) {
    const Buffer& a = program.buffers[i];
    if (a.offset < 0) continue;
    if (static_cast<std::uint64_t>(a.offset) % kArenaAlignment != 0)
      return fmt::format("buffer {} is not aligned", i);
    if (end(a) > program.arena.count()) return fmt::format("buffer {} leaves the arena", i);
    for (std::size_t j = 0; j < i; ++j) {
      const Buffer& b = program.buffers[j];
      const bool meet = a.first_use <= b.last_use && b.first_use <= a.last_use;
      if (b.offset < 0 || !meet) continue;
      if (static_cast<std::uint64_t>(a.offset) < end(b) &&
          static_cast<std::uint64_t>(b.offset) < end(a))
        return fmt::format("buffers {} and {} are in use together and overlap", j, i);
    }
  }
  return "";
}

}  // namespace headroom::testing
