// SPDX-License-Identifier: Apache-2.0
// A stand-in for NVIDIA's libnvidia-ml.so.1 in tests: two devices; the second does not report its
// utilisation. FAKE_NVML_ERROR in the environment makes the start fail.
#include <cstdlib>
#include <cstring>

extern "C" {

struct FakeMemory {
  unsigned long long total, free, used;
};
struct FakeUtilization {
  unsigned int gpu, memory;
};

int nvmlInit_v2() { return std::getenv("FAKE_NVML_ERROR") != nullptr ? 9 : 0; }
int nvmlShutdown() { return 0; }
const char* nvmlErrorString(int error) {
  return error == 9 ? "Driver Not Loaded" : "Unknown Error";
}
int nvmlDeviceGetCount_v2(unsigned int* count) {
  *count = 2;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void** device) {
  static char devices[2];
  *device = &devices[index];
  devices[index] = static_cast<char>(index);
  return 0;
}
int nvmlDeviceGetName(void* device, char* name, unsigned int length) {
  std::strncpy(name, *static_cast<char*>(device) == 0 ? "Fake RTX 3090" : "Fake A2", length);
  return 0;
}
int nvmlDeviceGetMemoryInfo(void* device, FakeMemory* memory) {
  const unsigned long long gib = 1ULL << 30;
  *memory = *static_cast<char*>(device) == 0 ? FakeMemory{24 * gib, 20 * gib, 4 * gib}
                                             : FakeMemory{16 * gib, 15 * gib, 1 * gib};
  return 0;
}
int nvmlDeviceGetUtilizationRates(void* device, FakeUtilization* utilization) {
  *utilization = {87, 40};
  return *static_cast<char*>(device) == 0 ? 0 : 3;
}
}
