// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/reference_resume.h"

#include "headroom/core/error.h"
#include "headroom/interop/optimizer_state.h"
#include "headroom/train/model_files.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

namespace headroom {
namespace {

// Our parameters in the order of the file's indices: group by group, in each in the order of the
// state dict. Nothing when the sizes of the groups are others.
std::optional<std::vector<std::size_t>> FileOrder(const OptimizerState& state,
                                                  const ParameterStore& store,
                                                  const ParameterGroups& groups,
                                                  const std::vector<std::size_t>& group_order) {
  if (state.groups.size() != group_order.size()) return std::nullopt;
  std::vector<std::size_t> order;
  for (std::size_t g = 0; g < group_order.size(); ++g) {
    const std::size_t before = order.size();
    for (const ParameterStore::Entry& entry : store.entries()) {
      if (entry.kind != ParameterStore::EntryKind::kParameter) continue;
      const auto index = static_cast<std::size_t>(entry.index);
      if (groups.group_of[index] == group_order[g]) order.push_back(index);
    }
    if (order.size() - before != state.groups[g].parameters.size()) return std::nullopt;
  }
  return order;
}

std::vector<std::size_t> FindFileOrder(const OptimizerState& state, const ParameterStore& store,
                                       const ParameterGroups& groups) {
  std::vector<std::size_t> same(groups.groups.size());
  std::iota(same.begin(), same.end(), std::size_t{0});
  auto order = FileOrder(state, store, groups, same);
  if (!order && groups.groups.size() == 3) order = FileOrder(state, store, groups, {2, 0, 1});
  if (!order) {
    throw DataError(
        "the checkpoint's optimizer has other parameter groups than this run's: resume with the "
        "optimizer= and the model that it was trained with");
  }
  return *order;
}

// The file's elements are in the order of the logical shape, ours in channels-last.
void CopySlot(const TensorData& from, const ParameterStore& store, int index, at::Tensor& flat) {
  const Parameter& parameter = store.parameters()[static_cast<std::size_t>(index)];
  if (from.count() != parameter.count) {
    throw DataError(
        fmt::format("the checkpoint's optimizer state of {} has another size", parameter.name));
  }
  at::Tensor host = at::empty({parameter.count}, at::kFloat);
  CopyAsFloat(from, {host.mutable_data_ptr<float>(), static_cast<std::size_t>(parameter.count)});
  store.ViewIn(flat, index).copy_(host.view(parameter.shape));
}

void RestoreOptimizer(const PickleNode& node, const ParameterStore& store, Optimizer& optimizer) {
  Result<OptimizerState> state = ReadOptimizerState(node);
  if (!state) throw DataError(state.error());
  const std::vector<std::size_t> order = FindFileOrder(*state, store, optimizer.groups());
  std::int64_t steps = 0;
  for (const OptimizerSlot& slot : state->slots) {
    if (slot.parameter < 0 || slot.parameter >= static_cast<std::int64_t>(order.size()))
      throw DataError("the checkpoint's optimizer has state of a parameter that is not there");
    const auto index = static_cast<int>(order[static_cast<std::size_t>(slot.parameter)]);
    for (const auto& [name, tensor] : slot.tensors) {
      if (name == "step" && tensor.count() == 1)
        steps = std::max(steps, static_cast<std::int64_t>(AsFloats(tensor)[0]));
      for (Optimizer::State& ours : optimizer.states()) {
        if (ours.name == name) CopySlot(tensor, store, index, ours.values);
      }
    }
  }
  // Those without a counter have taken a step when they have a state.
  optimizer.set_step_count(state->slots.empty() ? 0 : std::max<std::int64_t>(steps, 1));
}

// The columns of results.csv that the file carries, as its text.
std::string ResultsText(const PickleNode& results, const std::vector<std::string>& columns) {
  std::string header;
  std::vector<std::string> rows;
  for (const std::string& column : columns) {
    const PickleNode* values = results.Find(column);
    if (values == nullptr) return {};
    header += (header.empty() ? "" : ",") + column;
    const std::size_t count = values->Items().size();
    rows.resize(std::max(rows.size(), count));
    for (std::size_t i = 0; i < count; ++i) {
      rows[i] +=
          fmt::format("{}{}", rows[i].empty() ? "" : ",", values->Items()[i]->Number().value_or(0));
    }
  }
  std::string text = header + "\n";
  for (const std::string& row : rows) text += row + "\n";
  return text;
}

}  // namespace

bool CanBeResumed(const CheckpointContents& file) {
  if (file.headroom != nullptr) return file.headroom->Find("values") != nullptr;
  return file.in_training && file.optimizer != nullptr && file.epoch >= 0;
}

RunPosition RestoreReferenceCheckpoint(const CheckpointContents& file,
                                       const CheckpointParts& parts) {
  const Transfer transfer = CopyWeights(file, parts.model);
  if (transfer.copied != transfer.all) {
    throw DataError(fmt::format(
        "only {} of the model's {} entries are in the checkpoint: model or data set changed",
        transfer.copied, transfer.all));
  }
  parts.ema.values.copy_(parts.model.parameters->values);
  parts.ema.running.copy_(parts.model.parameters->running);
  parts.ema.set_updates(file.updates);
  RestoreOptimizer(*file.optimizer, *parts.model.parameters, parts.optimizer);
  if (file.stopper) {
    parts.stopper.best_fitness = file.stopper->best_fitness;
    parts.stopper.best_epoch = static_cast<int>(file.stopper->best_epoch);
  } else {
    parts.stopper.best_fitness = file.best_fitness.value_or(0);
    parts.stopper.best_epoch = static_cast<int>(file.epoch);
  }
  const RunPosition position{.epoch = static_cast<int>(file.epoch) + 1};
  if (file.train_results != nullptr) {
    parts.results.Restore(ResultsText(*file.train_results, parts.results.columns()),
                          position.epoch);
  }
  return position;
}

}  // namespace headroom
