// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/reference_estimate.h"

#include <fmt/format.h>

#include <algorithm>
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
// The main process with its libraries, measured: 0.3-0.4 GB.
constexpr Bytes kMainProcess = Bytes::MiB(400);
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
  return processes + mosaic_buffers + train_queue + val_queue + labels + plots + model +
         activations + assigner;
}

ReferenceEstimate EstimateReference(const ReferenceSettings& settings) {
  ReferenceEstimate estimate;
  const std::int64_t batch = std::min<std::int64_t>(settings.batch, settings.train_images);
  const std::int64_t val_batch =
      std::min<std::int64_t>(2 * std::int64_t{settings.batch}, settings.val_images);
  const std::int64_t asked = settings.workers;
  estimate.train_workers = Workers(asked, Batches(settings.train_images, batch), settings);
  estimate.val_workers = Workers(2 * asked, Batches(settings.val_images, val_batch), settings);
  const std::uint64_t side = U(settings.imgsz);
  const Bytes image = Bytes::Of(side * side, 3);
  const Bytes val_image =
      Bytes::Of((side + 32) * (side + 32), 3);  // Padded by half a stride, rounded up.

  const std::uint64_t train_workers = U(estimate.train_workers);
  const std::uint64_t val_workers = U(estimate.val_workers);
  const std::uint64_t buffered =
      U(std::min<std::int64_t>({settings.train_images, 8 * batch, 1000}));
  // Without workers the main process holds one buffer and one batch.
  estimate.mosaic_buffers = Fraction(image * buffered * std::max<std::uint64_t>(train_workers, 1),
                                     settings.short_to_long);
  estimate.train_queue =
      image * U(batch) * std::max<std::uint64_t>(train_workers * kTrainPrefetch, 1);
  estimate.val_queue =
      Fraction(val_image * U(val_batch) * (val_workers * kValPrefetch), settings.short_to_long);
  estimate.processes = kMainProcess + kWorkerProcess * (train_workers + val_workers);
  estimate.labels = Bytes::Of(U(settings.train_images), kLabelBytesPerImage) * (1 + train_workers) +
                    Bytes::Of(U(settings.val_images), kLabelBytesPerImage) * (1 + val_workers);
  // One thread draws a batch in float32; three draw at once in the worst case.
  estimate.plots = image * 4 * U(batch);
  if (settings.gpus == 0) AddStep(settings, estimate);
  return estimate;
}

std::string ExplainReference(const ReferenceEstimate& estimate, Bytes limit) {
  std::vector<std::pair<Bytes, std::string>> rows = {
      {estimate.mosaic_buffers,
       fmt::format("mosaic buffers of {} loader{}", std::max(estimate.train_workers, 1),
                   estimate.train_workers > 1 ? "s" : "")},
      {estimate.train_queue, "training queue"},
      {estimate.val_queue, fmt::format("validation queue of {} workers", estimate.val_workers)},
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
  const Bytes total = estimate.Total();
  return fmt::format(
      "The reference (Ultralytics 8.4.190) would take up to {} of host memory with these settings "
      "({}): {} {}.",
      ToString(total), largest, total > limit ? "it would be killed in" : "it would run in",
      ToString(limit));
}

}  // namespace headroom
