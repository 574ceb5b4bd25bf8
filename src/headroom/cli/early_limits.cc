// SPDX-License-Identifier: Apache-2.0
// Before the libraries' own initialisers, which end the process where they are refused memory:
// whether ulimit -v and -d leave them any.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace {

// What LibTorch's initialisers take, and some for the program to say what it lacks.
constexpr unsigned long kNeeded = 64UL << 20;
constexpr int kMemoryExitCode = 4;  // ExitCode::kMemory.

// Pages mapped in all, and those of them that are private and writable.
struct Mapped {
  unsigned long all = 0;
  unsigned long data = 0;
};

Mapped ReadMapped() {
  std::array<char, 256> text{};
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  const ssize_t size = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  std::array<unsigned long, 6> fields{};
  char* at = text.data();
  for (unsigned long& field : fields) field = size > 0 ? std::strtoul(at, &at, 10) : 0;
  const auto page = static_cast<unsigned long>(::sysconf(_SC_PAGESIZE));
  return {fields[0] * page, fields[5] * page};
}

void Check(__rlimit_resource_t which, const char* option, unsigned long mapped) {
  rlimit limit{};
  if (::getrlimit(which, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  if (limit.rlim_cur >= mapped + kNeeded) return;
  // No stream is there yet.
  std::array<char, 256> text{};
  const int size = std::snprintf(
      text.data(), text.size(),
      "out of memory: ulimit -%s allows %lu MiB, of which the program's libraries take %lu MiB "
      "before it begins; raise it to at least %lu MiB\n",
      option, static_cast<unsigned long>(limit.rlim_cur >> 20), mapped >> 20,
      (mapped + kNeeded + (256UL << 20)) >> 20);
  if (size > 0) static_cast<void>(!::write(2, text.data(), static_cast<std::size_t>(size)));
  ::_exit(kMemoryExitCode);
}

void CheckEarly(int /*argc*/, char** /*argv*/, char** /*environment*/) {
  const Mapped mapped = ReadMapped();
  Check(RLIMIT_AS, "v", mapped.all);
  Check(RLIMIT_DATA, "d", mapped.data);
}

// The loader calls what is listed here before any initialiser of a shared library.
using Initialiser = void (*)(int, char**, char**);
[[gnu::section(".preinit_array"), gnu::used]] const Initialiser g_check_early = CheckEarly;

}  // namespace
