// SPDX-License-Identifier: Apache-2.0
#include "headroom/graph/executor.h"

#include "headroom/core/check.h"
#include "headroom/graph/channel_passes.h"
#include "headroom/memory/tag_scope.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <utility>

namespace headroom {
namespace {

at::ScalarType ScalarTypeOf(Element element) {
  switch (element) {
    case Element::kUint8:
      return at::kByte;
    case Element::kBFloat16:
      return at::kBFloat16;
    case Element::kFloat32:
      return at::kFloat;
  }
  return at::kFloat;
}

}  // namespace

struct Executor::Bound {
  // A view of a buffer that LibTorch allocates while the program runs.
  struct Late {
    at::Tensor* tensor;
    View view;
  };
  OperationCall call;
  std::vector<Late> late;
  std::vector<std::size_t> dies;  // Such buffers that no later instruction reads.
};

Executor::Executor(const Graph& graph, ParameterStore& parameters, at::Device device)
    : graph_(graph), parameters_(parameters), device_(device) {}

Executor::~Executor() = default;

void Executor::Unload() {
  program_.reset();
  bound_.clear();
  buffers_.clear();
  outputs_.clear();
  output_grads_.clear();
  input_ = at::Tensor();
  arena_ = at::Tensor();
}

void Executor::Load(Program program) {
  const auto needed = static_cast<std::int64_t>(program.arena.count());
  at::Tensor kept = arena_.defined() && arena_.numel() >= needed ? arena_ : at::Tensor();
  Unload();
  if (!kept.defined()) {
    const TagScope tag(MemoryTag::kActivations);
    kept = at::empty({needed}, at::TensorOptions(at::kByte).device(device_));
  }
  arena_ = std::move(kept);
  program_ = std::make_unique<Program>(std::move(program));
  Bind();
}

at::Tensor Executor::BufferTensor(const Buffer& buffer) const {
  if (buffer.offset < 0) return {};
  const auto& [images, channels, extent] = buffer.shape;
  const auto size = static_cast<std::int64_t>(buffer.bytes().count());
  const at::Tensor flat = arena_.narrow(0, buffer.offset, size).view(ScalarTypeOf(buffer.element));
  return flat.as_strided({images, channels, extent.height, extent.width},
                         {extent.area() * channels, 1, extent.width * channels, channels},
                         flat.storage_offset());
}

at::Tensor Executor::ViewTensor(const View& view) const {
  if (!view) return {};
  const at::Tensor& whole = buffers_[static_cast<std::size_t>(view.buffer)];
  if (!whole.defined() || view.channels == whole.size(1)) return whole;
  return whole.narrow(1, view.first_channel, view.channels);
}

void Executor::Bind() {
  for (const Buffer& buffer : program_->buffers) buffers_.push_back(BufferTensor(buffer));
  const auto bind_lists = [this](const std::vector<std::vector<ValueView>>& lists) {
    std::vector<std::vector<ChannelTensor>> bound;
    for (const auto& list : lists) {
      auto& tensors = bound.emplace_back();
      for (const ValueView& item : list)
        tensors.push_back({ViewTensor(item.view), item.value_channel});
    }
    return bound;
  };
  for (const Instruction& instruction : program_->instructions) {
    OperationCall call;
    for (const View& view : instruction.inputs) call.inputs.push_back(ViewTensor(view));
    call.outputs = bind_lists(instruction.outputs);
    call.output_grads = bind_lists(instruction.output_grads);
    if (instruction.saved >= 0) call.saved = &buffers_[static_cast<std::size_t>(instruction.saved)];
    for (const View& view : instruction.input_grads) {
      call.input_grads.push_back(view ? &buffers_[static_cast<std::size_t>(view.buffer)] : nullptr);
    }
    call.parameters = &parameters_;
    call.reuse_moments = instruction.kind == InstructionKind::kRecomputeForward;
    bound_.push_back({std::move(call), {}, {}});
  }
  BindLate();
  input_ = buffers_[static_cast<std::size_t>(program_->input_buffer)];
  for (const View& view : program_->outputs) outputs_.push_back(ViewTensor(view));
  for (const View& view : program_->output_grads) output_grads_.push_back(ViewTensor(view));
}

void Executor::BindLate() {
  const auto late = [this](const View& view) {
    return view && program_->buffers[static_cast<std::size_t>(view.buffer)].offset < 0;
  };
  for (std::size_t i = 0; i < bound_.size(); ++i) {
    const Instruction& instruction = program_->instructions[i];
    Bound& bound = bound_[i];
    for (std::size_t k = 0; k < instruction.inputs.size(); ++k) {
      if (late(instruction.inputs[k]))
        bound.late.push_back({&bound.call.inputs[k], instruction.inputs[k]});
    }
    for (std::size_t k = 0; k < instruction.output_grads.size(); ++k) {
      for (std::size_t j = 0; j < instruction.output_grads[k].size(); ++j) {
        const View& view = instruction.output_grads[k][j].view;
        if (late(view)) bound.late.push_back({&bound.call.output_grads[k][j].tensor, view});
      }
    }
  }
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    const Buffer& buffer = program_->buffers[i];
    if (buffer.offset < 0) bound_[static_cast<std::size_t>(buffer.last_use)].dies.push_back(i);
  }
}

void Executor::Forward() { Run(0, static_cast<std::size_t>(program_->loss_instruction)); }

void Executor::Backward() {
  HEADROOM_CHECK(program_->options.purpose == Purpose::kTraining,
                 "backward of an inference program");
  Run(static_cast<std::size_t>(program_->loss_instruction) + 1, program_->instructions.size());
}

void Executor::Run(std::size_t first, std::size_t last) {
  const at::NoGradGuard no_grad;
  const TagScope tag(MemoryTag::kWorkspace);
  if (before_run) before_run();
  for (std::size_t i = first; i < last; ++i) {
    for (const Bound::Late& late : bound_[i].late) *late.tensor = ViewTensor(late.view);
    RunOne(i);
    for (const Bound::Late& late : bound_[i].late) *late.tensor = at::Tensor();
    for (const std::size_t buffer : bound_[i].dies) buffers_[buffer] = at::Tensor();
    if (after_instruction) after_instruction(program_->instructions[i]);
  }
}

void Executor::RunOne(std::size_t index) {
  const Instruction& instruction = program_->instructions[index];
  OperationCall& call = bound_[index].call;
  if (instruction.kind == InstructionKind::kCopy) {
    CopyChannels(call.inputs[0], call.outputs[0][0].tensor);
    return;
  }
  if (instruction.kind == InstructionKind::kSumGradients) {
    SumChannels(call.output_grads[0], call.outputs[0][0].tensor);
    return;
  }
  const Node& node = graph_.node(instruction.node);
  const ProgramOptions& options = program_->options;
  const auto layer = static_cast<std::size_t>(node.layer);
  const bool trained = options.trained_layers.empty() ||
                       (layer < options.trained_layers.size() && options.trained_layers[layer]);
  const bool batch =
      options.purpose == Purpose::kTraining && trained && norm_mode_ == NormMode::kBatch;
  call.norm = batch ? NormMode::kBatch : NormMode::kRunning;
  call.weight_grads = trained;
  switch (instruction.kind) {
    case InstructionKind::kForward:
    case InstructionKind::kRecomputeForward:
      node.operation->Forward(call);
      break;
    case InstructionKind::kRematerialize:
      node.operation->Rematerialize(call);
      break;
    case InstructionKind::kBackward:
      node.operation->Backward(call);
      break;
    default:
      break;
  }
}

}  // namespace headroom
