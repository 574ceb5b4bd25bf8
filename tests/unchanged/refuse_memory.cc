// SPDX-License-Identifier: Apache-2.0
// LD_PRELOAD: refuses memory once, in the middle of a step, whatever the program's own hooks are.
// Once the file REFUSE_FILE is there the next allocation inside LibTorch's gradient of a
// convolution fails, and the file is removed.
#include <dlfcn.h>
#include <execinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

constexpr int kDepth = 64;
constexpr std::size_t kPlaces = 1 << 16;

// Loads what backtrace() needs while allocating is still plain.
const int kReady = [] {
  void* frames[1];
  return backtrace(frames, 1);
}();

// Whether the code belongs to the gradient; dladdr takes a millisecond in a library of LibTorch's
// size, so each place is looked up once.
bool OfConvolutionGradient(const void* place) {
  static const void* others[kPlaces];
  const void*& known = others[reinterpret_cast<std::uintptr_t>(place) * 0x9e3779b97f4a7c15U >> 48];
  if (known == place) return false;
  Dl_info info;
  if (dladdr(place, &info) != 0 && info.dli_sname != nullptr &&
      std::strstr(info.dli_sname, "convolution_backward") != nullptr)
    return true;
  known = place;
  return false;
}

bool InConvolutionGradient() {
  void* frames[kDepth];
  const int count = backtrace(frames, kDepth);
  return std::any_of(frames, frames + count, OfConvolutionGradient);
}

bool Refused() {
  static const char* const file = std::getenv("REFUSE_FILE");
  static bool refused = false;
  // The step is driven by the main thread.
  if (refused || file == nullptr || kReady == 0 || gettid() != getpid() || access(file, F_OK) != 0)
    return false;
  refused = InConvolutionGradient() && unlink(file) == 0;
  return refused;
}

}  // namespace

void* operator new(std::size_t size) {
  void* const block = Refused() ? nullptr : std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
