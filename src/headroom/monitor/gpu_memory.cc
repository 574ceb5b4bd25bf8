// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/gpu_memory.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

namespace headroom {
namespace {

// The part of NVML's binary interface that is used; stable since driver 340.
using NvmlReturn = int;
using NvmlDevice = void*;
struct NvmlMemory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};
struct NvmlUtilization {
  unsigned int gpu;
  unsigned int memory;
};
constexpr NvmlReturn kNvmlSuccess = 0;

struct Nvml {
  NvmlReturn (*init)() = nullptr;
  NvmlReturn (*shutdown)() = nullptr;
  const char* (*error_string)(NvmlReturn) = nullptr;
  NvmlReturn (*device_count)(unsigned int*) = nullptr;
  NvmlReturn (*device_by_index)(unsigned int, NvmlDevice*) = nullptr;
  NvmlReturn (*device_name)(NvmlDevice, char*, unsigned int) = nullptr;
  NvmlReturn (*memory_info)(NvmlDevice, NvmlMemory*) = nullptr;
  NvmlReturn (*utilization)(NvmlDevice, NvmlUtilization*) = nullptr;
};

struct CloseLibrary {
  void operator()(void* library) const { ::dlclose(library); }
};
using Library = std::unique_ptr<void, CloseLibrary>;

// The name of the first function that is missing; nullptr when all are there.
const char* Load(void* library, Nvml& nvml) {
  const char* missing = nullptr;
  const auto load = [&](auto& function, const char* name) {
    function =
        reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    if (function == nullptr && missing == nullptr) missing = name;
  };
  load(nvml.init, "nvmlInit_v2");
  load(nvml.shutdown, "nvmlShutdown");
  load(nvml.error_string, "nvmlErrorString");
  load(nvml.device_count, "nvmlDeviceGetCount_v2");
  load(nvml.device_by_index, "nvmlDeviceGetHandleByIndex_v2");
  load(nvml.device_name, "nvmlDeviceGetName");
  load(nvml.memory_info, "nvmlDeviceGetMemoryInfo");
  load(nvml.utilization, "nvmlDeviceGetUtilizationRates");
  return missing;
}

class NvmlGpuMemory final : public GpuMemory {
 public:
  NvmlGpuMemory(Library library, const Nvml& nvml) : library_(std::move(library)), nvml_(nvml) {}
  ~NvmlGpuMemory() override { nvml_.shutdown(); }
  NvmlGpuMemory(const NvmlGpuMemory&) = delete;
  NvmlGpuMemory& operator=(const NvmlGpuMemory&) = delete;

  [[nodiscard]] Status FindDevices() {
    unsigned int found = 0;
    if (const NvmlReturn error = nvml_.device_count(&found))
      return Fail("counting the devices", error);
    for (unsigned int i = 0; i < found; ++i) {
      NvmlDevice device = nullptr;
      if (const NvmlReturn error = nvml_.device_by_index(i, &device))
        return Fail("opening a device", error);
      devices_.push_back(device);
    }
    return Unit{};
  }

  [[nodiscard]] int count() const override { return static_cast<int>(devices_.size()); }

  [[nodiscard]] std::string DeviceName(int device) const override {
    std::array<char, 96> name{};
    if (nvml_.device_name(devices_.at(static_cast<std::size_t>(device)), name.data(),
                          name.size()) != kNvmlSuccess) {
      return fmt::format("GPU {}", device);
    }
    return name.data();
  }

  [[nodiscard]] Result<GpuSample> Read(int device) override {
    if (device < 0 || device >= count()) {
      return Failure{fmt::format("there is no GPU {}; the driver has {}", device, count())};
    }
    const NvmlDevice handle = devices_[static_cast<std::size_t>(device)];
    NvmlMemory memory{};
    if (const NvmlReturn error = nvml_.memory_info(handle, &memory))
      return Fail("reading its memory", error);
    NvmlUtilization utilization{};
    const bool known = nvml_.utilization(handle, &utilization) == kNvmlSuccess;
    return GpuSample{Bytes(memory.total), Bytes(memory.used), Bytes(memory.free),
                     known ? static_cast<int>(utilization.gpu) : -1};
  }

 private:
  [[nodiscard]] Failure Fail(std::string_view what, NvmlReturn error) const {
    return Failure{fmt::format("NVML: {} failed: {}", what, nvml_.error_string(error))};
  }

  Library library_;
  Nvml nvml_;
  std::vector<NvmlDevice> devices_;
};

}  // namespace

Result<std::unique_ptr<GpuMemory>> GpuMemory::Open(const std::string& library) {
  Library handle(::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (handle == nullptr) return Failure{fmt::format("no NVML: {}", ::dlerror())};
  Nvml nvml;
  if (const char* missing = Load(handle.get(), nvml)) {
    return Failure{fmt::format("{} has no {}: the NVIDIA driver is too old", library, missing)};
  }
  if (const NvmlReturn error = nvml.init(); error != kNvmlSuccess) {
    return Failure{fmt::format("NVML: start failed: {}", nvml.error_string(error))};
  }
  auto gpus = std::make_unique<NvmlGpuMemory>(std::move(handle), nvml);
  if (const Status devices = gpus->FindDevices(); !devices) return Failure{devices.error()};
  return std::unique_ptr<GpuMemory>(std::move(gpus));
}

}  // namespace headroom
