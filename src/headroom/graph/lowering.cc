// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/check.h"
#include "headroom/graph/arena_layout.h"
#include "headroom/graph/gradient_sources.h"
#include "headroom/graph/placement_plan.h"
#include "headroom/graph/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace headroom {
namespace {

// Writes a program for a graph. Forward gives every value the places that its readers need;
// backward asks for what it reads, and what is not there any more is made again from what is.
class Lowering {
 public:
  Lowering(const Graph& graph, const ProgramOptions& options)
      : graph_(graph),
        extents_(graph.InferExtents(options.extent)),
        plan_(graph, options.wanted_outputs),
        gradients_(graph),
        dense_(plan_.dense_count(), -1),
        concat_(graph.values().size(), -1),
        raw_(graph.nodes().size(), -1) {
    program_.options = options;
  }

  Program Run() {
    program_.input_buffer =
        NewBuffer(graph_.input(), graph_.value(graph_.input()).channels, Element::kUint8, false);
    dense_[plan_.DenseOf(plan_.Resolve(graph_.input()))] = program_.input_buffer;
    for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
      if (plan_.Needed(id)) EmitFirstForward(id);
    }
    EmitLoss();
    if (training()) {
      ForgetWhatIsMadeAgain();
      EmitBackward();
    }
    program_.arena = LayOutArena(program_.buffers);
    return std::move(program_);
  }

 private:
  [[nodiscard]] bool training() const { return program_.options.purpose == Purpose::kTraining; }
  [[nodiscard]] int next() const { return static_cast<int>(program_.instructions.size()); }
  [[nodiscard]] const Operation& operation(NodeId id) const { return *graph_.node(id).operation; }
  [[nodiscard]] bool Trained(NodeId id) const {
    const auto& layers = program_.options.trained_layers;
    const auto layer = static_cast<std::size_t>(graph_.node(id).layer);
    return layers.empty() || (layer < layers.size() && layers[layer]);
  }
  [[nodiscard]] Element ElementOf(ValueId root) const {
    if (root == graph_.input()) return Element::kUint8;
    return operation(graph_.value(root).producer).OutputElement(program_.options.activation);
  }

  int NewBuffer(ValueId like, std::int64_t channels, Element element, bool foreign) {
    Buffer buffer;
    buffer.shape = {program_.options.images, channels, extents_[static_cast<std::size_t>(like)]};
    buffer.element = element;
    buffer.foreign = foreign;
    if (foreign && program_.options.place_foreign) buffer.offset = 0;  // The layout will say where.
    buffer.first_use = buffer.last_use = next();
    program_.buffers.push_back(buffer);
    return static_cast<int>(program_.buffers.size()) - 1;
  }

  void Touch(const View& view) {
    if (view) program_.buffers[static_cast<std::size_t>(view.buffer)].last_use = next();
  }

  // Appends an instruction; every buffer that it names is in use at it. A buffer made for it was
  // numbered before instructions that prepare its operands, so its first use is set here.
  void Append(Instruction instruction, std::span<const int> made = {}) {
    const auto touch_all = [this](const std::vector<std::vector<ValueView>>& lists) {
      for (const auto& list : lists) {
        for (const ValueView& item : list) Touch(item.view);
      }
    };
    for (const View& view : instruction.inputs) Touch(view);
    for (const View& view : instruction.input_grads) Touch(view);
    touch_all(instruction.outputs);
    touch_all(instruction.output_grads);
    Touch({instruction.saved, 0, 0});
    for (const int buffer : made) {
      program_.buffers[static_cast<std::size_t>(buffer)].first_use = next();
    }
    program_.instructions.push_back(std::move(instruction));
  }

  [[nodiscard]] View Whole(int buffer) const {
    return {buffer, 0, program_.buffers[static_cast<std::size_t>(buffer)].shape.channels};
  }

  // --- Finding what is there -------------------------------------------------------------------

  [[nodiscard]] View FindDense(const ChannelRange& range) const {
    const int buffer = dense_[plan_.DenseOf(range)];
    return buffer >= 0 ? Whole(buffer) : View{};
  }

  // Any live place that holds the range.
  [[nodiscard]] View FindAny(const ChannelRange& range) const {
    for (const auto& [held, buffer] : loose_) {
      if (held.Contains(range)) return {buffer, range.first - held.first, range.count};
    }
    for (const Place& place : plan_.places(range.root)) {
      if (!place.range.Contains(range)) continue;
      const int buffer =
          place.is_dense() ? dense_[place.dense] : concat_[static_cast<std::size_t>(place.concat)];
      if (buffer < 0) continue;
      if (!place.is_dense() && !Written(place.concat, place.range)) continue;
      return {buffer, place.concat_channel + range.first - place.range.first, range.count};
    }
    return {};
  }

  // A concatenation is filled part by part; only what was written may be read.
  [[nodiscard]] bool Written(ValueId concat, const ChannelRange& range) const {
    const auto found = written_.find(concat);
    if (found == written_.end()) return false;
    return std::any_of(found->second.begin(), found->second.end(),
                       [&](const ChannelRange& part) { return part.Contains(range); });
  }

  // --- Forward ---------------------------------------------------------------------------------

  View ForwardInput(const Node& node, std::size_t i, const OperationTraits& traits) {
    const ValueId value = node.inputs[i].value;
    if (graph_.value(value).is_concat()) return Whole(concat_[static_cast<std::size_t>(value)]);
    const ChannelRange range = plan_.Resolve(value);
    const View view = traits.inputs[i] == InputUse::kDense ? FindDense(range) : FindAny(range);
    HEADROOM_CHECK(static_cast<bool>(view),
                   fmt::format("{} reads a value that nothing wrote", node.name));
    return view;
  }

  int ConcatBuffer(ValueId concat, std::vector<int>* made) {
    int& buffer = concat_[static_cast<std::size_t>(concat)];
    if (buffer < 0) {
      const Value& value = graph_.value(concat);
      buffer =
          NewBuffer(concat, value.channels, ElementOf(plan_.Resolve(value.parts[0]).root), false);
      written_[concat].clear();
      made->push_back(buffer);
    }
    return buffer;
  }

  void EmitFirstForward(NodeId id) {
    const Node& node = graph_.node(id);
    const OperationTraits traits = node.operation->traits();
    Instruction instruction{.kind = InstructionKind::kForward, .node = id};
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      instruction.inputs.push_back(ForwardInput(node, i, traits));
    std::vector<int> made;
    for (const ValueId output : node.outputs) {
      auto& destinations = instruction.outputs.emplace_back();
      for (const Place& place : plan_.places(output)) {
        View view;
        if (place.is_dense()) {
          const int buffer = NewBuffer(output, place.range.count, ElementOf(output), false);
          dense_[place.dense] = buffer;
          made.push_back(buffer);
          view = Whole(buffer);
        } else {
          view = {ConcatBuffer(place.concat, &made), place.concat_channel, place.range.count};
          written_[place.concat].push_back(place.range);
        }
        destinations.push_back({view, place.range.first});
      }
    }
    if (traits.saves) instruction.saved = SavedBuffer(id, instruction, &made);
    NoteWorkspace(id);
    Append(std::move(instruction), made);
  }

  // In inference nothing is saved: the raw result is activated in place where its place is dense.
  int SavedBuffer(NodeId id, const Instruction& instruction, std::vector<int>* made) {
    const Node& node = graph_.node(id);
    if (!training() && program_.options.place_foreign) {
      for (const ValueView& destination : instruction.outputs[0]) {
        const Buffer& buffer = program_.buffers[static_cast<std::size_t>(destination.view.buffer)];
        const bool whole = destination.view.channels == buffer.shape.channels;
        if (whole && buffer.shape.channels == node.operation->SavedChannels())
          return destination.view.buffer;
      }
    }
    const int buffer = NewBuffer(node.outputs[0], node.operation->SavedChannels(),
                                 program_.options.activation, true);
    made->push_back(buffer);
    if (training()) raw_[static_cast<std::size_t>(id)] = buffer;
    return buffer;
  }

  void NoteWorkspace(NodeId id) {
    const Node& node = graph_.node(id);
    const ValueId input = node.inputs[0].value;
    const MapShape shape{program_.options.images, graph_.value(input).channels,
                         extents_[static_cast<std::size_t>(input)]};
    program_.workspace =
        std::max(program_.workspace, node.operation->Workspace(shape, program_.options.activation));
  }

  void EmitLoss() {
    program_.loss_instruction = next();
    Instruction instruction{.kind = InstructionKind::kLoss};
    std::vector<int> made;
    for (const ValueId output : graph_.outputs()) {
      if (!plan_.Needed(graph_.value(output).producer)) {
        program_.outputs.emplace_back();
        if (training()) program_.output_grads.emplace_back();
        continue;
      }
      const View view = FindDense(plan_.Resolve(output));
      program_.outputs.push_back(view);
      instruction.inputs.push_back(view);
      if (!training()) continue;
      made.push_back(NewBuffer(output, graph_.value(output).channels, Element::kFloat32, false));
      program_.output_grads.push_back(Whole(made.back()));
      instruction.input_grads.push_back(Whole(made.back()));
      gradients_.Add(output, Whole(made.back()), 0);
    }
    Append(std::move(instruction), made);
  }

  // --- What backward finds ---------------------------------------------------------------------

  void ForgetWhatIsMadeAgain() {
    const Recompute mode = program_.options.recompute;
    if (mode == Recompute::kNone) return;
    kept_ = std::vector<bool>(graph_.nodes().size(), mode == Recompute::kActivations);
    if (mode == Recompute::kBlocks) KeepLayerBoundaries();
    for (std::size_t id = 0; id < raw_.size(); ++id) {
      if (!kept_[id]) raw_[id] = -1;
    }
    ForgetMaterialized();
  }

  void KeepLayerBoundaries() {
    for (const Node& node : graph_.nodes()) {
      for (const NodeInput& input : node.inputs) {
        for (const ChannelRange& range : plan_.Flatten(input.value)) {
          const NodeId producer = graph_.value(range.root).producer;
          if (producer >= 0 && graph_.node(producer).layer != node.layer) KeepOutput(range.root);
        }
      }
    }
  }

  // Kept as its producer's saved tensor where the output can be made from that alone; else the
  // output itself is kept.
  void KeepOutput(ValueId root) {
    const NodeId producer = graph_.value(root).producer;
    const OperationTraits traits = operation(producer).traits();
    // What saves nothing (upsampling, pooling) runs again from its own inputs.
    if (!traits.saves) return;
    const bool alone = std::none_of(traits.rematerialize_reads.begin(),
                                    traits.rematerialize_reads.end(), std::identity());
    if (alone) {
      kept_[static_cast<std::size_t>(producer)] = true;
    } else {
      kept_roots_.push_back(root);
    }
  }

  // Drops the names of all materialised values but those that are kept.
  void ForgetMaterialized() {
    if (program_.options.recompute == Recompute::kNone) return;
    std::vector<int> stay = {program_.input_buffer};
    for (const ValueId root : kept_roots_) {
      const View view = FindAny({root, 0, graph_.value(root).channels});
      if (view) stay.push_back(view.buffer);
    }
    const auto forget = [&](int& buffer) {
      if (std::find(stay.begin(), stay.end(), buffer) == stay.end()) buffer = -1;
    };
    for (int& buffer : dense_) forget(buffer);
    for (int& buffer : concat_) forget(buffer);
    loose_.clear();
  }

  // --- Making again ----------------------------------------------------------------------------

  View EnsureAny(const ChannelRange& range) {
    if (const View view = FindAny(range)) return view;
    // A planned place that holds it, if there is one of its own.
    for (const Place& place : plan_.places(range.root)) {
      if (place.is_dense() && place.range.Contains(range)) {
        EnsureDense(place.range);
        return FindAny(range);
      }
    }
    // Its only place is a concatenation that is not there. Making that would make its other parts,
    // which may lie behind this value; the value alone is enough.
    const int buffer = NewBuffer(range.root, range.count, ElementOf(range.root), false);
    Materialize(range, Whole(buffer), buffer);
    loose_.push_back({range, buffer});
    return Whole(buffer);
  }

  View EnsureDense(const ChannelRange& range) {
    if (const View view = FindDense(range)) return view;
    const int buffer = NewBuffer(range.root, range.count, ElementOf(range.root), false);
    Materialize(range, Whole(buffer), buffer);
    dense_[plan_.DenseOf(range)] = buffer;
    return Whole(buffer);
  }

  View EnsureConcat(ValueId concat) {
    if (const int buffer = concat_[static_cast<std::size_t>(concat)]; buffer >= 0)
      return Whole(buffer);
    const auto& parts = plan_.parts(concat);
    const int buffer =
        NewBuffer(concat, graph_.value(concat).channels, ElementOf(parts[0].range.root), false);
    written_[concat].clear();
    bool first = true;
    for (const ConcatPart& part : parts) {
      Materialize(part.range, {buffer, part.concat_channel, part.range.count}, first ? buffer : -1);
      // Later parts may read earlier ones here (a residual chain).
      concat_[static_cast<std::size_t>(concat)] = buffer;
      written_[concat].push_back(part.range);
      first = false;
    }
    return Whole(buffer);
  }

  View EnsureInput(const Node& node, std::size_t i, const OperationTraits& traits) {
    const ValueId value = node.inputs[i].value;
    if (graph_.value(value).is_concat()) return EnsureConcat(value);
    const ChannelRange range = plan_.Resolve(value);
    return traits.inputs[i] == InputUse::kDense ? EnsureDense(range) : EnsureAny(range);
  }

  // Writes the range to the destination; `made` is the buffer whose life begins with it, or -1.
  void Materialize(const ChannelRange& range, const View& destination, int made) {
    const Value& value = graph_.value(range.root);
    HEADROOM_CHECK(value.producer >= 0, "the input is never made again");
    const OperationTraits traits = operation(value.producer).traits();
    const bool raw =
        raw_[static_cast<std::size_t>(value.producer)] >= 0 && traits.rematerializes_from_saved;
    const bool alone = std::none_of(traits.rematerialize_reads.begin(),
                                    traits.rematerialize_reads.end(), std::identity());
    const View copy = FindAny(range);
    if (copy && !(raw && alone)) {
      EmitCopy(copy, destination, made);
    } else {
      EmitAgain(value.producer, value.output_index, {destination, range.first}, made);
    }
  }

  void EmitCopy(const View& from, const View& to, int made) {
    Instruction instruction{.kind = InstructionKind::kCopy};
    instruction.inputs = {from};
    instruction.outputs = {{{to, 0}}};
    Append(std::move(instruction),
           made >= 0 ? std::span<const int>(&made, 1) : std::span<const int>());
  }

  void EmitAgain(NodeId id, int output_index, const ValueView& destination, int made) {
    const Node& node = graph_.node(id);
    const OperationTraits traits = node.operation->traits();
    const bool cheap = traits.rematerializes_from_saved && raw_[static_cast<std::size_t>(id)] >= 0;
    Instruction instruction{
        .kind = cheap ? InstructionKind::kRematerialize : InstructionKind::kRecomputeForward,
        .node = id};
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const bool reads = !cheap || traits.rematerialize_reads[i];
      instruction.inputs.push_back(reads ? EnsureInput(node, i, traits) : View{});
    }
    instruction.outputs.resize(node.outputs.size());
    if (destination.view)
      instruction.outputs[static_cast<std::size_t>(output_index)].push_back(destination);
    std::vector<int> births;
    if (made >= 0) births.push_back(made);
    if (traits.saves) {
      int& raw = raw_[static_cast<std::size_t>(id)];
      if (!cheap) {
        raw = NewBuffer(node.outputs[0], node.operation->SavedChannels(),
                        program_.options.activation, true);
        births.push_back(raw);
      }
      instruction.saved = raw;
    }
    Append(std::move(instruction), births);
  }

  // --- Backward --------------------------------------------------------------------------------

  void EmitBackward() {
    const std::vector<bool> wanted = GradientWanted();
    int layer = -1;
    for (auto id = static_cast<NodeId>(graph_.nodes().size()) - 1; id >= 0; --id) {
      if (graph_.node(id).layer != layer) ForgetMaterialized();
      layer = graph_.node(id).layer;
      if (gradients_.Any(id) && (wanted[static_cast<std::size_t>(graph_.node(id).outputs[0])]))
        EmitNodeBackward(id, wanted);
    }
  }

  // Values behind which something is trained.
  [[nodiscard]] std::vector<bool> GradientWanted() const {
    std::vector<bool> wanted(graph_.values().size(), false);
    for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
      const Node& node = graph_.node(id);
      bool any = Trained(id) && !node.operation->ParameterIndices().empty();
      for (const NodeInput& input : node.inputs)
        any = any || (!input.stop_gradient && Wanted(wanted, input.value));
      for (const ValueId output : node.outputs) wanted[static_cast<std::size_t>(output)] = any;
    }
    return wanted;
  }

  [[nodiscard]] bool Wanted(const std::vector<bool>& wanted, ValueId value) const {
    const auto ranges = plan_.Flatten(value);
    return std::any_of(ranges.begin(), ranges.end(), [&](const ChannelRange& range) {
      return wanted[static_cast<std::size_t>(range.root)];
    });
  }

  void EmitNodeBackward(NodeId id, const std::vector<bool>& wanted) {
    const Node& node = graph_.node(id);
    const OperationTraits traits = node.operation->traits();
    Instruction instruction{.kind = InstructionKind::kBackward, .node = id};
    if (traits.saves && raw_[static_cast<std::size_t>(id)] < 0) EmitAgain(id, 0, {}, -1);
    if (traits.saves) instruction.saved = std::exchange(raw_[static_cast<std::size_t>(id)], -1);
    for (const ValueId output : node.outputs) instruction.output_grads.push_back(Sources(output));
    const bool weights = Trained(id);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const bool reads =
          traits.backward_reads[i] && (weights || node.operation->ParameterIndices().empty());
      instruction.inputs.push_back(reads ? EnsureInput(node, i, traits) : View{});
    }
    std::vector<int> made;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const NodeInput& input = node.inputs[i];
      const bool flows =
          !input.stop_gradient && Wanted(wanted, input.value) && !traits.passes_gradient[i];
      View grad;
      if (flows) {
        made.push_back(NewBuffer(input.value, graph_.value(input.value).channels,
                                 GradientElement(input.value), traits.allocates_input_grads));
        grad = Whole(made.back());
      }
      instruction.input_grads.push_back(grad);
    }
    const Instruction emitted = instruction;
    Append(std::move(instruction), made);
    PassOn(node, traits, emitted, wanted);
  }

  [[nodiscard]] Element GradientElement(ValueId value) const {
    return ElementOf(plan_.Flatten(value)[0].root);
  }

  void PassOn(const Node& node, const OperationTraits& traits, const Instruction& instruction,
              const std::vector<bool>& wanted) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const NodeInput& input = node.inputs[i];
      if (input.stop_gradient || !Wanted(wanted, input.value)) continue;
      if (traits.passes_gradient[i]) {
        for (const ValueView& source : instruction.output_grads[0])
          gradients_.Add(input.value, source.view, source.value_channel);
      } else if (instruction.input_grads[i]) {
        gradients_.Add(input.value, instruction.input_grads[i], 0);
      }
    }
  }

  // At most kMaxSources a channel; more are summed into one buffer first.
  std::vector<ValueView> Sources(ValueId output) {
    std::vector<ValueView> sources = gradients_.Take(output);
    if (sources.size() <= kMaxGradientSources) return sources;
    const int buffer = NewBuffer(output, graph_.value(output).channels, ElementOf(output), false);
    Instruction sum{.kind = InstructionKind::kSumGradients};
    sum.output_grads = {sources};
    sum.outputs = {{{Whole(buffer), 0}}};
    Append(std::move(sum), std::span<const int>(&buffer, 1));
    return {{Whole(buffer), 0}};
  }

  const Graph& graph_;
  const std::vector<Extent> extents_;
  const PlacementPlan plan_;
  GradientSources gradients_;
  Program program_;
  // Buffers that hold a value now, or -1.
  std::vector<int> dense_;                           // By dense place.
  std::vector<int> concat_;                          // By value id of the concatenation.
  std::vector<int> raw_;                             // By node: what it saved.
  std::vector<std::pair<ChannelRange, int>> loose_;  // Ranges in buffers that no place is for.
  std::map<ValueId, std::vector<ChannelRange>> written_;
  std::vector<bool> kept_;
  std::vector<ValueId> kept_roots_;
};

}  // namespace

Program Lower(const Graph& graph, const ProgramOptions& options) {
  return Lowering(graph, options).Run();
}

}  // namespace headroom
