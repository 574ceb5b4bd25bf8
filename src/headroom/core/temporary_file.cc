// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/temporary_file.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>

namespace headroom {
namespace {

// .NAME.PID.SERIAL.tmp
constexpr std::string_view kSuffix = ".tmp";
// More than a file system keeps beside a file's name.
constexpr std::size_t kTrialBytes = 64 << 10;

[[noreturn]] void ThrowCannotWrite(const std::filesystem::path& folder, int error) {
  throw WriteError(fmt::format("cannot write in {}: {}", folder.string(), std::strerror(error)));
}

// Takes ".DIGITS" from the end of a name.
bool TakeNumber(std::string_view& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == name.size()) return false;
  if (name.find_first_not_of("0123456789", dot + 1) != std::string_view::npos) return false;
  name.remove_suffix(name.size() - dot);
  return true;
}

// The file that a temporary one was to become; empty for a name that is none of ours.
std::string_view TargetOf(std::string_view name) {
  if (!name.starts_with('.') || !name.ends_with(kSuffix)) return {};
  name.remove_suffix(kSuffix.size());
  if (!TakeNumber(name) || !TakeNumber(name)) return {};
  return name.empty() ? name : name.substr(1);
}

}  // namespace

std::filesystem::path TemporaryName(const std::filesystem::path& path) {
  static std::atomic<int> serial{0};
  return path.parent_path() /
         fmt::format(".{}.{}.{}{}", path.filename().string(), ::getpid(), serial++, kSuffix);
}

void TryToWriteIn(const std::filesystem::path& folder) {
  const std::filesystem::path trial = TemporaryName(folder / "trial");
  const int descriptor = ::open(trial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) ThrowCannotWrite(folder, errno);
  try {
    FileWriter writer(descriptor, folder);
    writer.Write(std::string(kTrialBytes, '\n'));
    writer.Close();
  } catch (...) {
    ::unlink(trial.c_str());
    throw;
  }
  if (::unlink(trial.c_str()) != 0) ThrowCannotWrite(folder, errno);
}

int RemoveTemporaries(const std::filesystem::path& folder, std::string_view suffix) {
  int removed = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    const std::string_view target = TargetOf(name);
    if (target.empty() || !target.ends_with(suffix)) continue;
    std::error_code ignored;
    if (it->is_regular_file(ignored) && ::unlink(it->path().c_str()) == 0) ++removed;
  }
  return removed;
}

}  // namespace headroom
