// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/reference_estimate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>
#include <vector>

namespace headroom {
namespace {

// Behaviour of Ultralytics 8.4.190 with torch's DataLoader: batches per worker that are fetched
// ahead.
constexpr std::uint64_t kTrainPrefetch = 4;
constexpr std::uint64_t kValPrefetch = 2;
// Private bytes of one worker, interpreter and libraries: ultralytics pull request 26090.
constexpr Bytes kWorkerProcess = Bytes::MiB(124);
// The main process with its libraries, measured: 0.3-0.4 GB. A GPU's driver comes on top.
constexpr Bytes kMainProcess = Bytes::MiB(400);
// Its first three batches are drawn each in a thread of its own, in validation as labels and as
// predictions.
constexpr std::int64_t kPlottedBatches = 3;
// It caches only where twice the images' bytes are available.
constexpr std::uint64_t kCacheMargin = 2;
// Above this share of the memory the system and other programs decide: they hold a part of it, and
// the published model of a loader's memory (pull request 26090) is off by up to 8 %.
constexpr double kSurelyFits = 0.85;
constexpr std::uint64_t kLabelBytesPerImage = 1300;  // Python objects, at 7 boxes an image.

std::uint64_t U(std::int64_t value) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
}

Bytes Fraction(Bytes bytes, double factor) {
  return Bytes(static_cast<std::uint64_t>(static_cast<double>(bytes.count()) * factor));
}

std::int64_t Batches(std::int64_t images, std::int64_t batch) {
  return (images + batch - 1) / std::max<std::int64_t>(batch, 1);
}

int Workers(std::int64_t asked, std::int64_t batches, const ReferenceSettings& settings) {
  if (settings.gpus == 0 || batches <= 1) return 0;
  const std::int64_t share = std::max<std::int64_t>(settings.cores / settings.gpus, 1);
  return static_cast<int>(std::min({share, asked, batches}));
}

// What page-locking adds to batches: torch's host allocator rounds each up to a power of two.
Bytes PageLocked(Bytes queue, std::uint64_t batches) {
  if (queue == Bytes() || batches == 0) return {};
  return Bytes(std::bit_ceil(queue.count() / batches)) * batches - queue;
}

// Batches are drawn in float32. On a CPU a step takes longer than a drawing; on a GPU all threads
// of a phase may overlap.
Bytes PlotBytes(const ReferenceSettings& settings, Bytes batch, Bytes val_batch,
                std::int64_t val_batches) {
  if (!settings.plots) return {};
  if (settings.gpus == 0) return batch * 4;
  const std::uint64_t drawn = U(std::min(val_batches, kPlottedBatches));
  return std::max(batch * (4 * U(kPlottedBatches)), val_batch * (4 * 2 * drawn));
}

// cache=ram, all or nothing, first for the training images, then for those of validation. All
// processes share it. Mosaics are then made from it: no worker fills a buffer.
void AddCache(const ReferenceSettings& settings, ReferenceEstimate& estimate) {
  const std::uint64_t side = U(settings.imgsz);
  const Bytes image = Fraction(Bytes::Of(side * side, 3), settings.short_to_long);
  Bytes available = SaturatingSub(settings.memory, kMainProcess + settings.driver);
  const auto cache = [&](std::int64_t images) {
    const Bytes need = image * U(images);
    if (need * kCacheMargin > available) return false;
    available -= need;
    estimate.image_cache += need;
    return true;
  };
  if (cache(settings.train_images)) estimate.mosaic_buffers = Bytes();
  cache(settings.val_images);
}

std::string Verdict(Bytes total, Bytes memory) {
  if (total > memory) return fmt::format("it would be killed in {}", ToString(memory));
  if (total > Fraction(memory, kSurelyFits)) {
    return fmt::format(
        "it would probably be killed in {}, of which the system and other programs hold a part",
        ToString(memory));
  }
  return fmt::format("it would run in {}", ToString(memory));
}

// What on a CPU lies in the same memory as the rest.
void AddStep(const ReferenceSettings& settings, ReferenceEstimate& estimate) {
  const std::uint64_t batch = U(std::min<std::int64_t>(settings.batch, settings.train_images));
  const double size = settings.imgsz * (1 + settings.multi_scale);
  const double anchors = size * size * (1 / 64.0 + 1 / 256.0 + 1 / 1024.0);
  const double cells = static_cast<double>(batch) * anchors;
  estimate.assigner = Bytes(
      static_cast<std::uint64_t>(cells * (18.0 * settings.max_boxes + 10.0 * settings.classes)));
  estimate.model = Bytes::Of(U(settings.parameters), settings.adam ? 20 : 16);
  const double growth = (1 + settings.multi_scale) * (1 + settings.multi_scale);
  estimate.activations = Fraction(settings.activations_per_image * batch, growth);
}

}  // namespace

Bytes ReferenceEstimate::Total() const {
  return processes + mosaic_buffers + train_queue + val_queue + page_locked + image_cache + labels +
         plots + model + activations + assigner;
}

ReferenceEstimate EstimateReference(const ReferenceSettings& settings) {
  ReferenceEstimate estimate;
  const std::int64_t batch = std::min<std::int64_t>(settings.batch, settings.train_images);
  const std::int64_t val_batch =
      std::min<std::int64_t>(2 * std::int64_t{settings.batch}, settings.val_images);
  const std::int64_t asked = settings.workers;
  estimate.train_workers = Workers(asked, Batches(settings.train_images, batch), settings);
  const std::int64_t val_batches = Batches(settings.val_images, val_batch);
  estimate.val_workers = Workers(2 * asked, val_batches, settings);
  const std::uint64_t side = U(settings.imgsz);
  const Bytes image = Bytes::Of(side * side, 3);
  // Padded by half a stride, rounded up.
  const Bytes val_image = Fraction(Bytes::Of((side + 32) * (side + 32), 3), settings.short_to_long);

  const std::uint64_t train_workers = U(estimate.train_workers);
  const std::uint64_t val_workers = U(estimate.val_workers);
  const std::uint64_t buffered =
      U(std::min<std::int64_t>({settings.train_images, 8 * batch, 1000}));
  // Without workers the main process holds one buffer and one batch.
  estimate.mosaic_buffers = Fraction(image * buffered * std::max<std::uint64_t>(train_workers, 1),
                                     settings.short_to_long);
  estimate.train_queue =
      image * U(batch) * std::max<std::uint64_t>(train_workers * kTrainPrefetch, 1);
  estimate.val_queue = val_image * U(val_batch) * (val_workers * kValPrefetch);
  if (settings.gpus > 0) {
    estimate.page_locked = PageLocked(estimate.train_queue,
                                      std::max<std::uint64_t>(train_workers * kTrainPrefetch, 1)) +
                           PageLocked(estimate.val_queue, val_workers * kValPrefetch);
  }
  estimate.processes =
      kMainProcess + settings.driver + kWorkerProcess * (train_workers + val_workers);
  estimate.labels = Bytes::Of(U(settings.train_images), kLabelBytesPerImage) * (1 + train_workers) +
                    Bytes::Of(U(settings.val_images), kLabelBytesPerImage) * (1 + val_workers);
  estimate.plots = PlotBytes(settings, image * U(batch), val_image * U(val_batch), val_batches);
  if (settings.cache_ram) AddCache(settings, estimate);
  if (settings.gpus == 0) AddStep(settings, estimate);
  return estimate;
}

std::string ExplainReference(const ReferenceSettings& settings) {
  const ReferenceEstimate estimate = EstimateReference(settings);
  std::vector<std::pair<Bytes, std::string>> rows = {
      {estimate.mosaic_buffers,
       fmt::format("mosaic buffers of {} loader{}", std::max(estimate.train_workers, 1),
                   estimate.train_workers > 1 ? "s" : "")},
      {estimate.train_queue, "training queue"},
      {estimate.val_queue, fmt::format("validation queue of {} workers", estimate.val_workers)},
      {estimate.page_locked, "page-locking of the queues"},
      {estimate.image_cache, "image cache"},
      {estimate.processes,
       fmt::format("{} process{}", 1 + estimate.train_workers + estimate.val_workers,
                   estimate.train_workers + estimate.val_workers > 0 ? "es" : "")},
      {estimate.labels, "labels"},
      {estimate.plots, "plots"},
      {estimate.model, "model"},
      {estimate.activations, "activations"},
      {estimate.assigner, "label assignment"}};
  std::sort(rows.rbegin(), rows.rend());
  std::string largest;
  for (std::size_t i = 0; i < 3 && rows[i].first > Bytes(); ++i) {
    largest += fmt::format("{}{} {}", i == 0 ? "" : ", ", rows[i].second, ToString(rows[i].first));
  }
  const std::string batch =
      settings.batch_assumed
          ? fmt::format(" and batch {} (assumed: its own choice asks the GPU's memory alone)",
                        settings.batch)
          : "";
  const Bytes total = estimate.Total();
  const std::string verdict =
      settings.memory == Bytes::Max() ? "" : ": " + Verdict(total, settings.memory);
  return fmt::format(
      "The reference (Ultralytics 8.4.190) would take up to {} of host memory with these "
      "settings{} ({}){}.",
      ToString(total), batch, largest, verdict);
}

int CoresOfMachine() { return static_cast<int>(std::max(sysconf(_SC_NPROCESSORS_ONLN), 1L)); }

}  // namespace headroom
