// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/batch_step.h"

#include "headroom/device/out_of_memory.h"
#include "headroom/memory/tag_scope.h"
#include "headroom/train/image_batch.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <span>

namespace headroom {
namespace {

std::int64_t OneToOneOffset(const ParameterStore& store) {
  for (const Parameter& parameter : store.parameters()) {
    if (parameter.name.find(".one2one_") != std::string::npos) return parameter.offset;
  }
  return store.value_count();
}

}  // namespace

BatchStep::BatchStep(Model& model, Executor& executor, HeadLoss& loss,
                     const BatchStepOptions& options)
    : model_(model),
      executor_(executor),
      loss_(loss),
      options_(options),
      norms_(*model.graph, *model.parameters, options.trained_layers),
      one_to_one_offset_(OneToOneOffset(*model.parameters)) {
  const TagScope tag(MemoryTag::kGradients);
  pending_ = at::zeros_like(model.parameters->values);
}

ProgramOptions BatchStep::MakeProgramOptions(std::int64_t images, const Extent& extent) const {
  return {.purpose = Purpose::kTraining,
          .images = images,
          .extent = extent,
          .activation = options_.activation,
          .recompute = options_.recompute,
          .place_foreign = options_.place_results && model_.parameters->values.is_cpu(),
          .trained_layers = options_.trained_layers};
}

void BatchStep::LoadProgram(std::int64_t images, const Extent& extent) {
  if (executor_.loaded()) {
    const ProgramOptions& now = executor_.program().options;
    if (now.purpose == Purpose::kTraining && now.images == images && now.extent == extent &&
        now.recompute == options_.recompute)
      return;
  }
  executor_.Load(Lower(*model_.graph, MakeProgramOptions(images, extent)));
}

void BatchStep::WarmUp(std::int64_t images, const Extent& extent, std::int64_t boxes) {
  LoadProgram(images, extent);
  executor_.input().zero_();
  targets_.Clear();
  const auto side = static_cast<float>(std::min(extent.height, extent.width));
  const std::vector<TrueBox> crowd(static_cast<std::size_t>(boxes),
                                   TrueBox{{side / 4, side / 4, side / 2, side / 2}, 0});
  for (std::int64_t i = 0; i < images; ++i)
    targets_.AddImage(i == 0 ? std::span<const TrueBox>(crowd) : std::span<const TrueBox>());
  executor_.Forward();
  (void)loss_.ForwardBackward(executor_.outputs(), executor_.output_grads(), targets_, previous_);
  executor_.Backward();
}

// Forward, loss and backward of images that the loader keeps: repeated as often as memory is
// found for it. Nothing that lasts is written.
HeadSums BatchStep::RunMicroBatch(Loader& loader, std::int64_t first, std::int64_t images,
                                  const Extent& extent) {
  LoadProgram(images, extent);
  FillBatch(loader, first, images, executor_.input(), &targets_);
  executor_.Forward();
  const HeadSums sums =
      loss_.ForwardBackward(executor_.outputs(), executor_.output_grads(), targets_, previous_);
  executor_.Backward();
  return sums;
}

// The batch's sum over its micro-batches; made when the first of several is committed.
void BatchStep::KeepSum() {
  if (batch_.defined()) return;
  const TagScope tag(MemoryTag::kGradients);
  batch_ = at::zeros_like(pending_);
}

BatchResult BatchStep::Run(Loader& loader, std::int64_t first, std::int64_t count,
                           const Extent& extent) {
  BatchResult result;
  HeadSums sums;
  int failures = 0;
  std::int64_t done = 0;
  while (done < count) {
    const std::int64_t images = std::min(options_.micro_batch, count - done);
    HeadSums micro;
    try {
      micro = RunMicroBatch(loader, first + done, images, extent);
      if (images < count) KeepSum();
    } catch (const std::exception& failure) {
      const std::optional<std::string> what = OutOfMemoryText(failure);
      if (!what || !on_out_of_memory || !on_out_of_memory(*what, CountFailure(failure, &failures)))
        throw;
      continue;
    }
    // From here on nothing allocates: the micro-batch is committed whole.
    failures = 0;
    sums += micro;
    norms_.Add(images);
    if (images < count) {
      if (done == 0) batch_.zero_();
      batch_.add_(model_.parameters->gradients);
    }
    result.instances += targets_.boxes();
    ++result.micro_batches;
    done += images;
    loader.Acknowledge(first + done);
    if (done < count && between_micro_batches) between_micro_batches();
  }
  AddToPending(result.micro_batches > 1 ? batch_ : model_.parameters->gradients, sums, count);
  norms_.Commit(extent);
  previous_ = sums;
  model_.parameters->batches_tracked += 1;
  result.items = loss_.Items(sums);
  result.loss = loss_.Value(sums, count);
  return result;
}

void BatchStep::AddToPending(const at::Tensor& gradients, const HeadSums& sums,
                             std::int64_t images) {
  const auto factor = [&](const LossSums& now, const LossSums& before) {
    return static_cast<double>(images) * before.normaliser() / now.normaliser();
  };
  const std::int64_t many = one_to_one_offset_;
  pending_.narrow(0, 0, many)
      .add_(gradients.narrow(0, 0, many), factor(sums.one_to_many, previous_.one_to_many));
  const std::int64_t rest = pending_.numel() - many;
  if (rest == 0) return;
  pending_.narrow(0, many, rest)
      .add_(gradients.narrow(0, many, rest), factor(sums.one_to_one, previous_.one_to_one));
}

}  // namespace headroom
