// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/core/result.h"

#include <memory>
#include <string>

namespace headroom {

struct GpuSample {
  Bytes total;
  Bytes used;  // By everybody on the device.
  Bytes free;
  int utilisation_percent = 0;  // -1 where the driver does not say.
};

// The GPUs as NVIDIA's driver sees them, through NVML, opened at run time: no build dependency, and
// no CUDA context is made. Devices are numbered as NVML does, by PCI bus
// (CUDA_DEVICE_ORDER=PCI_BUS_ID), whatever CUDA_VISIBLE_DEVICES hides. Not thread-safe.
class GpuMemory {
 public:
  // Failure: why there is none (library absent, driver not loaded).
  [[nodiscard]] static Result<std::unique_ptr<GpuMemory>> Open(
      const std::string& library = "libnvidia-ml.so.1");
  virtual ~GpuMemory() = default;

  [[nodiscard]] virtual int count() const = 0;
  [[nodiscard]] virtual std::string DeviceName(int device) const = 0;
  // Allocates only for a failure.
  [[nodiscard]] virtual Result<GpuSample> Read(int device) = 0;
};

}  // namespace headroom
