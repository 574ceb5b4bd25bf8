// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"

#include <cstdint>
#include <string>

namespace headroom {

// A run of the reference (Ultralytics 8.4.190), as far as its host memory depends on it.
struct ReferenceSettings {
  std::int64_t train_images = 0;
  std::int64_t val_images = 0;
  int imgsz = 640;
  int batch = 16;
  int workers = 8;
  int cores = 1;                // As os.cpu_count() has it: blind to containers.
  Bytes memory = Bytes::Max();  // Of the host, as it sees it.
  int gpus = 0;                 // 0: trains on the CPU, where it loads in the main process.
  Bytes driver;                 // Host memory of the GPU driver's context, in its main process.
  bool batch_assumed = false;   // It would choose one itself, by a measurement on its GPU.
  bool cache_ram = false;
  bool plots = true;
  double short_to_long = 1.0;  // Mean short side over long side of the images.
  double multi_scale = 0.0;
  int classes = 80;
  int max_boxes = 0;  // In one image after mosaic: at most 4 times the largest label file.
  std::int64_t parameters = 0;
  bool adam = false;
  // Activations that one image of imgsz keeps for backward in fp32, from the dry run of the
  // reference ops; 0 when unknown. Counts on a CPU only.
  Bytes activations_per_image = Bytes();
};

// Peak of host memory, over all of its processes.
struct ReferenceEstimate {
  int train_workers = 0;  // What it starts for what was asked.
  int val_workers = 0;
  Bytes processes;
  Bytes mosaic_buffers;
  Bytes train_queue;
  Bytes val_queue;
  Bytes page_locked;  // On a GPU: what both queues gain when they are page-locked.
  Bytes image_cache;
  Bytes labels;
  Bytes plots;
  Bytes model;        // CPU only: weights, gradients, EMA, optimizer.
  Bytes activations;  // CPU only.
  Bytes assigner;     // CPU only.

  [[nodiscard]] Bytes Total() const;
};

// An upper bound by its own sizes, not a measurement: every queue full, every buffer filled.
[[nodiscard]] ReferenceEstimate EstimateReference(const ReferenceSettings& settings);

// "The reference (Ultralytics 8.4.190) would take up to 33.1 GiB of host memory with these settings
// (mosaic buffers 13.7 GiB, validation queue 16.1 GiB, ...): it would be killed in 31.0 GiB."
// Without the judgement where settings.memory is Bytes::Max().
[[nodiscard]] std::string ExplainReference(const ReferenceSettings& settings);

// What os.cpu_count() says here.
[[nodiscard]] int CoresOfMachine();

}  // namespace headroom
