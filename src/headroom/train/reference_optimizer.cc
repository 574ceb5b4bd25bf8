// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/reference_optimizer.h"

#include "headroom/core/check.h"
#include "headroom/optim/elementwise_rules.h"

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <utility>

namespace headroom {
namespace {

void SetFlags(PickleHeap& heap, PickleNode* group, std::initializer_list<const char*> names) {
  for (const char* name : names) heap.Set(group, name, heap.Bool(false));
}

// Every option of the group, since what a file says replaces what the optimizer was made with.
void SetOptions(PickleHeap& heap, PickleNode* group, OptimizerKind kind, const GroupStep& step,
                const ParameterGroup& ours) {
  const auto number = [&](const char* name, double value) {
    heap.Set(group, name, heap.Float(value));
  };
  const auto adam = [&] {
    heap.Set(group, "betas",
             heap.Tuple({heap.Float(step.momentum), heap.Float(AdamOptions().beta2)}));
    number("eps", AdamOptions().epsilon);
  };
  switch (kind) {
    case OptimizerKind::kMuSgd:
      number("momentum", step.momentum);
      heap.Set(group, "nesterov", heap.Bool(true));
      heap.Set(group, "use_muon", heap.Bool(ours.is_muon));
      return;
    case OptimizerKind::kSgd:
      number("momentum", step.momentum);
      number("dampening", 0);
      heap.Set(group, "nesterov", heap.Bool(true));
      heap.Set(group, "fused", heap.None());
      SetFlags(heap, group, {"maximize", "differentiable"});
      break;
    case OptimizerKind::kRmsProp:
      number("momentum", step.momentum);
      number("alpha", kRmsAlpha);
      number("eps", kRmsEpsilon);
      SetFlags(heap, group, {"centered", "capturable", "maximize", "differentiable"});
      break;
    case OptimizerKind::kAdam:
    case OptimizerKind::kAdamW:
      adam();
      heap.Set(group, "fused", heap.None());
      heap.Set(group, "decoupled_weight_decay", heap.Bool(kind == OptimizerKind::kAdamW));
      SetFlags(heap, group, {"amsgrad", "maximize", "capturable", "differentiable"});
      break;
    case OptimizerKind::kNAdam:
      adam();
      number("momentum_decay", kNAdamDecay);
      SetFlags(heap, group, {"decoupled_weight_decay", "maximize", "capturable", "differentiable"});
      break;
    case OptimizerKind::kRAdam:
      adam();
      SetFlags(heap, group, {"decoupled_weight_decay", "maximize", "capturable", "differentiable"});
      break;
    case OptimizerKind::kAdamax:
      adam();
      SetFlags(heap, group, {"maximize", "capturable", "differentiable"});
      break;
  }
  heap.Set(group, "foreach", heap.None());
}

const char* GroupName(const ParameterGroup& group) {
  if (group.is_muon) return "muon";
  if (group.is_bias) return "bias";
  return group.decays ? "weight" : "bn";
}

PickleNode* StateView(PickleHeap& heap, const at::Tensor& flat, const at::Tensor& view) {
  auto tensor = std::make_unique<PickleTensor>();
  tensor->storage = {
      .type = DataType::kFloat32,
      .bytes = {static_cast<const std::byte*>(flat.const_data_ptr()), flat.nbytes()}};
  tensor->offset = view.storage_offset() - flat.storage_offset();
  tensor->shape = view.sizes().vec();
  tensor->stride = view.strides().vec();
  return heap.New(std::move(tensor));
}

PickleNode* Scalar(PickleHeap& heap, double value) {
  const auto number = static_cast<float>(value);
  return heap.Tensor(TensorData::FromFloats({}, {&number, 1}));
}

// The state of one parameter. A counter of its own each: torch counts them up in place.
PickleNode* Slot(PickleHeap& heap, const Optimizer& optimizer,
                 std::span<const Optimizer::State> states, const ParameterStore& store, int index,
                 bool is_muon) {
  const OptimizerKind kind = optimizer.kind();
  PickleNode* slot = heap.Dict();
  if (kind != OptimizerKind::kSgd && kind != OptimizerKind::kMuSgd)
    heap.Set(slot, "step", Scalar(heap, static_cast<double>(optimizer.step_count())));
  if (kind == OptimizerKind::kNAdam)
    heap.Set(slot, "mu_product", Scalar(heap, optimizer.momentum_product));
  for (const Optimizer::State& state : states) {
    // The second momentum of MuSGD is that of the parameters whose updates are orthogonalised.
    if (state.name == "momentum_buffer_SGD" && !is_muon) continue;
    heap.Set(slot, state.name, StateView(heap, state.values, store.ViewIn(state.values, index)));
  }
  return slot;
}

}  // namespace

Bytes EstimateReferenceOptimizer(const ParameterStore& store) {
  // A dict of three tensors: their nodes with shape and stride, the writer's memo, the pickle, and
  // a storage of its own for the step count.
  constexpr std::uint64_t kBytesPerParameter = 3'000;
  return Bytes::Of(store.parameters().size(), kBytesPerParameter);
}

PickleNode* MakeReferenceOptimizer(PickleHeap& heap, const Optimizer& optimizer,
                                   std::span<const Optimizer::State> states,
                                   const ParameterStore& store, const OptimizerRates& rates) {
  const ParameterGroups& groups = optimizer.groups();
  HEADROOM_CHECK(rates.groups.size() == groups.groups.size(), "rates of other groups");
  PickleNode* slots = heap.Dict();
  PickleNode* written = heap.List();
  std::int64_t next = 0;
  for (std::size_t g = 0; g < groups.groups.size(); ++g) {
    const ParameterGroup& ours = groups.groups[g];
    PickleItems indices;
    for (const ParameterStore::Entry& entry : store.entries()) {
      if (entry.kind != ParameterStore::EntryKind::kParameter) continue;
      const auto index = static_cast<std::size_t>(entry.index);
      if (groups.group_of[index] != g) continue;
      if (store.parameters()[index].trainable && optimizer.step_count() > 0) {
        slots->As<PickleDict>()->items.emplace_back(
            heap.Int(next), Slot(heap, optimizer, states, store, entry.index, ours.is_muon));
      }
      indices.push_back(heap.Int(next++));
    }
    PickleNode* group = heap.Dict();
    heap.Set(group, "lr", heap.Float(rates.groups[g].lr));
    heap.Set(group, "initial_lr", heap.Float(rates.initial_lr * ours.lr_multiplier));
    heap.Set(group, "weight_decay", heap.Float(rates.groups[g].weight_decay));
    heap.Set(group, "param_group", heap.Text(GroupName(ours)));
    SetOptions(heap, group, optimizer.kind(), rates.groups[g], ours);
    heap.Set(group, "params", heap.List(std::move(indices)));
    written->As<PickleList>()->items.push_back(group);
  }
  PickleNode* node = heap.Dict();
  heap.Set(node, "state", slots);
  heap.Set(node, "param_groups", written);
  return node;
}

}  // namespace headroom
