// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/file_lock.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/strings.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

namespace headroom {
namespace {

constexpr int kLooksForText = 20;

[[noreturn]] void ThrowCannotLock(const std::filesystem::path& path, int error) {
  throw WriteError(fmt::format("cannot write {}: {}", path.string(), std::strerror(error)));
}

// Zero, or the error number. EWOULDBLOCK: another has it.
int TryFlock(int descriptor) {
  while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// Whether the file that was locked still has its name: its holder may have removed it meanwhile.
bool IsStillThere(int descriptor, const std::filesystem::path& path) {
  struct stat locked{}, named{};
  return ::fstat(descriptor, &locked) == 0 && ::stat(path.c_str(), &named) == 0 &&
         locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
}

// Who locked it a moment ago may not have written yet.
std::string ReadHolder(const std::filesystem::path& path) {
  for (int look = 0; look < kLooksForText; ++look) {
    const Result<std::string> text = ReadFile(path);
    if (text && text->ends_with('\n')) return std::string(Trim(*text));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return "another process";
}

void WriteHolder(int descriptor, std::string_view holder, const std::filesystem::path& path) {
  const std::string line = std::string(holder) + "\n";
  const bool written =
      ::ftruncate(descriptor, 0) == 0 &&
      ::pwrite(descriptor, line.data(), line.size(), 0) == static_cast<ssize_t>(line.size());
  if (!written) ThrowCannotLock(path, errno);
}

}  // namespace

Result<std::unique_ptr<FileLock>> FileLock::Take(const std::filesystem::path& path,
                                                 std::string_view holder) {
  while (true) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) ThrowCannotLock(path, errno);
    const int error = TryFlock(descriptor);
    if (error == EWOULDBLOCK) {
      ::close(descriptor);
      return Failure{ReadHolder(path)};
    }
    auto lock = std::make_unique<FileLock>(path, descriptor, error == 0);
    if (error == 0 && !IsStillThere(descriptor, path)) {
      lock->path_.clear();  // Another one's name by now.
      continue;
    }
    WriteHolder(descriptor, holder, path);
    return lock;
  }
}

FileLock::FileLock(std::filesystem::path path, int descriptor, bool excludes)
    : path_(std::move(path)), descriptor_(descriptor), excludes_(excludes) {}

FileLock::~FileLock() {
  // The name first: who opens it after the lock is free must make a file of its own.
  if (!path_.empty()) ::unlink(path_.c_str());
  ::close(descriptor_);
}

}  // namespace headroom
