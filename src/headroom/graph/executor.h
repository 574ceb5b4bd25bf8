// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/graph.h"
#include "headroom/graph/parameter_store.h"
#include "headroom/graph/program.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace headroom {

// Runs programs of one graph. Tensors are bound to the arena once a program; running it allocates
// nothing but what LibTorch allocates inside a convolution. One thread drives it.
class Executor {
 public:
  // The graph and the store must outlive it.
  Executor(const Graph& graph, ParameterStore& parameters, at::Device device);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Makes the program the current one. The arena grows to the program's need (the old one is given
  // back first) and is kept for smaller programs. Throws c10::OutOfMemoryError / BudgetError when
  // it cannot be had; the executor is then without a program.
  void Load(Program program);
  // Gives the arena back.
  void Unload();
  [[nodiscard]] bool loaded() const { return program_ != nullptr; }
  [[nodiscard]] const Program& program() const { return *program_; }

  // Whose statistics batch-norms use in training programs; frozen layers always use the running
  // ones.
  void set_norm_mode(NormMode mode) { norm_mode_ = mode; }

  // uint8 [N, C, H, W], channels last: the caller writes the images here before Forward.
  [[nodiscard]] at::Tensor& input() { return input_; }
  // Runs up to the loss. Outputs are valid until Backward (training) or the next Forward.
  void Forward();
  [[nodiscard]] std::span<const at::Tensor> outputs() const { return outputs_; }
  // fp32, shaped as the outputs; the caller writes them before Backward.
  [[nodiscard]] std::span<const at::Tensor> output_grads() const { return output_grads_; }
  // Writes the micro-batch's gradients of every trained parameter to the store.
  void Backward();

  // Called before a forward or backward, and after every instruction, when set (profiling).
  std::function<void()> before_run;
  std::function<void(const Instruction&)> after_instruction;

 private:
  struct Bound;
  void Bind();
  // What is not in the arena is bound when it is there, and let go after its last use.
  void BindLate();
  [[nodiscard]] at::Tensor BufferTensor(const Buffer& buffer) const;
  [[nodiscard]] at::Tensor ViewTensor(const View& view) const;
  void Run(std::size_t first, std::size_t last);
  void RunOne(std::size_t index);

  const Graph& graph_;
  ParameterStore& parameters_;
  at::Device device_;
  NormMode norm_mode_ = NormMode::kBatch;
  at::Tensor arena_;
  std::unique_ptr<Program> program_;
  std::vector<at::Tensor> buffers_;
  std::vector<Bound> bound_;
  at::Tensor input_;
  std::vector<at::Tensor> outputs_, output_grads_;
};

}  // namespace headroom
