// SPDX-License-Identifier: Apache-2.0
#include "headroom/device/out_of_memory.h"
#include "headroom/graph/program.h"
#include "headroom/monitor/host_memory.h"
#include "headroom/train/batch_step.h"
#include "headroom/train/train_choices.h"
#include "headroom/train/training_setup.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

// Of the runtime's growth after it was measured: stacks of threads, tables of the heap.
constexpr Bytes kRuntimeGrowth = Bytes::MiB(16);
// Of its growth by the first steps (generated kernels, pages of libraries), and convolutions'
// scratch before it is known: what is left for them when room is counted.
constexpr Bytes kFirstSteps = Bytes::MiB(64);
constexpr std::int64_t kMostImages = 4;
// Scratch grows with the area, as the time of these steps does: larger images are not needed.
constexpr std::int64_t kMostSide = 640;

// Operations run on that many threads while it lives.
class ThreadsHere {
 public:
  explicit ThreadsHere(int threads) : before_(at::get_num_threads()) {
    at::set_num_threads(threads);
  }
  ~ThreadsHere() { at::set_num_threads(before_); }
  ThreadsHere(const ThreadsHere&) = delete;
  ThreadsHere& operator=(const ThreadsHere&) = delete;

 private:
  const int before_;
};

Bytes Resident() {
  HostMemoryReader reader{SystemRoot{}};
  return reader.ReadProcess().rss;
}

Extent MeasuredExtent(const Extent& largest) {
  if (largest.area() <= kMostSide * kMostSide) return largest;
  const double shrink =
      static_cast<double>(kMostSide) / std::sqrt(static_cast<double>(largest.area()));
  const auto side = [&](std::int64_t size) {
    const auto smaller = static_cast<std::int64_t>(static_cast<double>(size) * shrink);
    return std::max<std::int64_t>(smaller / kStride, 1) * kStride;
  };
  return {side(largest.height), side(largest.width)};
}

}  // namespace

// Not more than the run itself will hold at once, and what there is room for: at this time nothing
// but the budget keeps the process from the kernel's limit, and it does not know the runtime yet.
std::int64_t TrainingSetup::MeasurableImages(const Extent& extent) const {
  std::int64_t images = kMostImages;
  if (options.batch >= 1) images = std::min(images, static_cast<std::int64_t>(options.batch));
  if (place != MemoryPlace::kHost) return images;
  const auto flat = static_cast<std::uint64_t>(loaded.model.parameters->value_count());
  const Bytes room =
      SaturatingSub(budget.limit(), Resident() + kFirstSteps + Bytes::Of(flat, 2 * 4));
  ProgramOptions program =
      TrainingProgram(Subject(OptimizerKind::kSgd), {.recompute = Recompute::kBlocks});
  program.extent = extent;
  const auto arena = [&](std::int64_t count) {
    program.images = count;
    return Lower(*loaded.model.graph, program).arena;
  };
  while (images > 0 && arena(images) > room) --images;
  return images;
}

MeasuredScratch TrainingSetup::MeasureScratch() {
  const Extent extent = MeasuredExtent(Subject(OptimizerKind::kSgd).LargestExtent());
  // Two threads where there are more: one alone has other implementations.
  MeasuredScratch scratch{.threads = cores_, .measured = std::min(cores_, 2), .extent = extent};
  const std::int64_t most = MeasurableImages(extent);
  if (most == 0) return scratch;  // The plan will say what is missing.
  // Of its own: nothing of these steps lasts.
  BatchStep step(loaded.model, *executor, *loss,
                 {.micro_batch = kMostImages,
                  .activation = activation,
                  .recompute = Recompute::kBlocks,
                  .trained_layers = trained_layers});
  // What there is no room for is at most what one each takes, over again.
  const auto peak_or = [&](Bytes otherwise, int threads, std::int64_t images) {
    if (images > most) return otherwise;
    try {
      const ThreadsHere here(threads);
      budget.ledger().ResetPeaks();
      step.WarmUp(images, extent, 1);
      return budget.ledger().Read().row(MemoryTag::kWorkspace).peak;
    } catch (const std::exception& failure) {
      if (!OutOfMemoryText(failure)) throw;
      return otherwise;
    }
  };
  const int few = scratch.measured;
  const Bytes one = most < few ? peak_or(Bytes(), few, 1) : Bytes();
  scratch.one_each = peak_or(one * static_cast<std::uint64_t>(few), few, few);
  const Bytes twice = scratch.one_each * 2;
  if (scratch.threads > scratch.measured)
    scratch.another = SaturatingSub(peak_or(twice, few + 1, few + 1), scratch.one_each);
  scratch.two_each = peak_or(twice, few, 2 * few);
  return scratch;
}

void TrainingSetup::MeasureProcess() {
  runtime_reservation_ = Reservation();  // Of a time before.
  scratch_ = MeasureScratch();
  // The arena of these steps is too small for the run's, and may lie where that one does not fit.
  GiveBackFreeBlocks();
  runtime_ = SaturatingSub(Resident(), budget.ledger().Read().total().now) + kRuntimeGrowth;
  runtime_reservation_ = Reservation(budget, MemoryTag::kRuntime, runtime_);
}

void TrainingSetup::RecountRuntime() {
  const Bytes others =
      SaturatingSub(budget.ledger().Read().total().now, runtime_reservation_.bytes());
  const Bytes now = SaturatingSub(Resident(), others) + kRuntimeGrowth;
  // What is reserved and not touched yet makes the rest look small: it only grows.
  if (now <= runtime_) return;
  runtime_ = now;
  static_cast<void>(runtime_reservation_.TryResize(now));
}

}  // namespace headroom
