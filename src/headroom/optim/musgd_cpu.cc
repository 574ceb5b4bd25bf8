// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/musgd_cpu.h"

#include "headroom/kernels/optimizer_step.h"
#include "headroom/optim/cpu_optimizer.h"
#include "headroom/optim/musgd.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

namespace headroom {
namespace {

// Elements below which a pass is not worth sharing among threads.
constexpr std::int64_t kGrain = 1 << 13;

class CpuMuSgd : public Optimizer {
 public:
  CpuMuSgd(std::span<const Parameter> parameters, std::int64_t count)
      : Optimizer(OptimizerKind::kMuSgd, parameters, ParameterGroups::Eight(parameters)),
        scratch_(MuonMatrices(parameters)) {
    AddStates(count, at::kCPU);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (!parameters[i].trainable) continue;
      const std::size_t group = groups().group_of[i];
      if (groups().groups[group].is_muon) {
        muon_.push_back({parameters[i].offset, parameters[i].count, group, i});
      } else {
        AppendPieces(parameters[i], group, i, plain_);
      }
    }
  }

 protected:
  void Run(const StepTensors& tensors, std::span<const GroupStep> steps) override {
    for (std::size_t i = 0; i < muon_.size(); ++i) StepMuon(i, tensors, steps[muon_[i].group]);
    float* const velocity = states_[0].values.data_ptr<float>();
    const auto pieces = static_cast<std::int64_t>(plain_.size());
    at::parallel_for(0, pieces, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const Piece& at = plain_[static_cast<std::size_t>(i)];
        StepSgd(tensors, steps[at.group], at.offset, at.count, velocity + at.offset);
      }
    });
  }

 private:
  using Place = NewtonSchulzScratch::Place;

  static void StepSgd(const StepTensors& tensors, const GroupStep& step, std::int64_t offset,
                      std::int64_t count, float* velocity) {
    RunSgdStep(
        {.learning_rate = step.lr, .momentum = step.momentum, .weight_decay = step.weight_decay},
        PieceOf(tensors, offset, count), velocity);
  }

  void StepMuon(std::size_t index, const StepTensors& tensors, const GroupStep& step) {
    const Piece& at = muon_[index];
    const Parameter& parameter = parameters_[at.parameter];
    const std::int64_t rows = parameter.shape[0];
    const std::int64_t columns = parameter.count / rows;
    const std::int64_t grain = std::max<std::int64_t>(1, kGrain / columns);
    const Place input = scratch_.Input(index);
    at::parallel_for(0, rows, grain, [&](std::int64_t begin, std::int64_t end) {
      WriteUpdate(tensors, step, at.offset, {begin, end}, columns, input);
    });
    const Place result = scratch_.Run(index);
    const auto factor = static_cast<float>(step.lr * MuonFactor(parameter));
    float* const velocity = states_[1].values.data_ptr<float>();
    at::parallel_for(0, rows, grain, [&](std::int64_t begin, std::int64_t end) {
      Subtract(tensors, factor, at.offset, {begin, end}, columns, result);
      const std::int64_t first = at.offset + begin * columns;
      StepSgd(tensors, step, first, (end - begin) * columns, velocity + first);
    });
  }

  struct RowRange {
    std::int64_t begin, end;
  };

  // Averages the gradient into the muon momentum and writes the update.
  void WriteUpdate(const StepTensors& tensors, const GroupStep& step, std::int64_t offset,
                   RowRange rows, std::int64_t columns, const Place& to) {
    const auto keep = static_cast<float>(step.momentum);
    const auto take = static_cast<float>(1 - step.momentum);
    const auto scale = static_cast<float>(tensors.gradient_scale);
    for (std::int64_t r = rows.begin; r < rows.end; ++r) {
      const std::int64_t first = offset + r * columns;
      const float* const gradients = tensors.gradients.const_data_ptr<float>() + first;
      float* const momentum = states_[0].values.data_ptr<float>() + first;
      float* const row = to.data + r * to.row_stride;
      for (std::int64_t c = 0; c < columns; ++c) {
        const float g = scale * gradients[c];
        momentum[c] = keep * momentum[c] + take * g;
        row[c * to.column_stride] = keep * momentum[c] + take * g;
      }
    }
  }

  static void Subtract(const StepTensors& tensors, float factor, std::int64_t offset, RowRange rows,
                       std::int64_t columns, const Place& from) {
    for (std::int64_t r = rows.begin; r < rows.end; ++r) {
      float* const values = tensors.values.data_ptr<float>() + offset + r * columns;
      const float* const row = from.data + r * from.row_stride;
      for (std::int64_t c = 0; c < columns; ++c) {
        values[c] -= factor * row[c * from.column_stride];
      }
    }
  }

  NewtonSchulzScratch scratch_;
  std::vector<Piece> muon_;   // Whole parameters, in the order of the scratch's matrices.
  std::vector<Piece> plain_;  // Pieces of the others.
};

}  // namespace

std::unique_ptr<Optimizer> MakeCpuMuSgd(std::span<const Parameter> parameters, std::int64_t count) {
  return std::make_unique<CpuMuSgd>(parameters, count);
}

}  // namespace headroom
