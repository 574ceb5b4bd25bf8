// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/file.h"

#include "headroom/core/error.h"
#include "headroom/core/temporary_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace headroom {
namespace {

[[noreturn]] void ThrowWriteError(const std::filesystem::path& path, int error) {
  throw WriteError(fmt::format("cannot write {}: {}", path.string(), std::strerror(error)));
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

}  // namespace

Result<std::string> ReadFile(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto failure = [&](int error) {
    return Failure{fmt::format("cannot read {}: {}", path.string(), std::strerror(error))};
  };
  struct stat info{};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0) return failure(errno);
  if (S_ISDIR(info.st_mode)) return failure(EISDIR);
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t done = 0;
  while (true) {
    // Files under /proc report size 0: read until the end says so.
    if (done == bytes.size()) bytes.resize(done + 4096);
    const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure(errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

FileWriter::~FileWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void FileWriter::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) ThrowWriteError(path_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    position_ += static_cast<std::uint64_t>(written);
  }
}

void FileWriter::Close() {
  const int descriptor = std::exchange(descriptor_, -1);
  if (descriptor < 0) return;
  const int sync_error = ::fsync(descriptor) != 0 && errno != EINVAL ? errno : 0;
  const int close_error = ::close(descriptor) != 0 ? errno : 0;
  if (sync_error != 0) ThrowWriteError(path_, sync_error);
  if (close_error != 0) ThrowWriteError(path_, close_error);
}

void WriteFileAtomic(const std::filesystem::path& path,
                     const std::function<void(FileWriter&)>& write) {
  const std::filesystem::path temporary = TemporaryName(path);
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) ThrowWriteError(path, errno);
  try {
    FileWriter writer(descriptor, path);
    write(writer);
    writer.Close();
    if (::rename(temporary.c_str(), path.c_str()) != 0) ThrowWriteError(path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void WriteFileAtomic(const std::filesystem::path& path, std::string_view bytes) {
  WriteFileAtomic(path, [bytes](FileWriter& writer) { writer.Write(bytes); });
}

}  // namespace headroom
