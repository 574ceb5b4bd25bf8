// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace headroom {

Result<MappedFile> MappedFile::Open(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info{};
  int error = descriptor < 0 || ::fstat(descriptor, &info) != 0 ? errno : 0;
  if (error == 0 && !S_ISREG(info.st_mode)) error = EISDIR;
  void* data = nullptr;
  const auto size = static_cast<std::size_t>(info.st_size);
  if (error == 0 && size > 0) {
    data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED) error = errno;
  }
  if (descriptor >= 0) ::close(descriptor);
  if (error != 0)
    return Failure{fmt::format("cannot read {}: {}", path.string(), std::strerror(error))};
  if (data == nullptr) return MappedFile({});
  return MappedFile({static_cast<const std::byte*>(data), size});
}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  auto* data = const_cast<std::byte*>(
      bytes_.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast): munmap takes no constant
  ::munmap(data, bytes_.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

}  // namespace headroom
