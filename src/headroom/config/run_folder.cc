// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/run_folder.h"

#include "headroom/core/error.h"
#include "headroom/core/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace headroom {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxNumber = 100'000;
constexpr const char* kLockName = ".run.lock";

[[noreturn]] void Fail(const fs::path& folder, const std::string& reason) {
  throw WriteError(fmt::format(
      "cannot write the run folder {}: {}; choose another with project= or name=", folder.string(),
      reason));
}

bool IsTaken(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

fs::path WantedFolder(const RunFolderRequest& request) {
  const fs::path name = request.name.empty() ? request.mode : request.name;
  const bool climbs =
      std::any_of(name.begin(), name.end(), [](const fs::path& part) { return part == ".."; });
  if (name.is_absolute() || climbs || name == ".") {
    throw ConfigError(fmt::format(
        "name={}: a name for the run folder is needed; where it lies is project=", name.string()));
  }
  fs::path folder =
      fs::absolute(request.runs_dir / request.task / request.project / name).lexically_normal();
  return folder.filename().empty() ? folder.parent_path() : folder;
}

// train, train-2, train-3, ...
fs::path Numbered(const fs::path& folder, int number) {
  if (number > kMaxNumber) Fail(folder, "every numbered name is taken");
  fs::path numbered = folder;
  if (number > 1) numbered += fmt::format("-{}", number);
  return numbered;
}

void MakeFolders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) Fail(folder, error.message());
}

bool LiesInRun(const fs::path& checkpoint) {
  const fs::path weights = checkpoint.parent_path();
  std::error_code ignored;
  return weights.filename() == "weights" &&
         fs::is_regular_file(weights.parent_path() / "args.yaml", ignored);
}

std::string DescribeThisProcess() {
  std::array<char, 65> host{};
  static_cast<void>(::gethostname(host.data(), host.size() - 1));
  return fmt::format("process {} of host {}, since {:%Y-%m-%d %H:%M:%S} UTC", ::getpid(),
                     host.data(), fmt::gmtime(std::time(nullptr)));
}

}  // namespace

fs::path ChooseRunFolder(const RunFolderRequest& request) {
  const fs::path wanted = WantedFolder(request);
  int number = 1;
  while (!request.exist_ok && IsTaken(Numbered(wanted, number))) ++number;
  return Numbered(wanted, number);
}

void CreateRunFolder(const fs::path& folder, bool with_weights) {
  MakeFolders(with_weights ? folder / "weights" : folder);
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    Fail(folder, std::generic_category().message(errno));
}

fs::path ClaimRunFolder(const RunFolderRequest& request, bool with_weights) {
  const fs::path wanted = WantedFolder(request);
  MakeFolders(wanted.parent_path());
  for (int number = 1;; ++number) {
    fs::path folder = Numbered(wanted, number);
    std::error_code error;
    // Making the folder is the lock between runs that start together.
    const bool made = fs::create_directory(folder, error);
    if (error && !IsTaken(folder)) Fail(folder, error.message());
    if (!made && !request.exist_ok) continue;
    CreateRunFolder(folder, with_weights);
    return folder;
  }
}

std::optional<fs::path> RunOfCheckpoint(const fs::path& checkpoint) {
  const fs::path named = fs::absolute(checkpoint).lexically_normal();
  std::error_code ignored;
  for (const fs::path& path : {named, fs::weakly_canonical(named, ignored)}) {
    if (LiesInRun(path)) return path.parent_path().parent_path();
  }
  return std::nullopt;
}

std::unique_ptr<FileLock> LockRunFolder(const fs::path& folder, const std::string& instead) {
  Result<std::unique_ptr<FileLock>> lock =
      FileLock::Take(folder / kLockName, DescribeThisProcess());
  if (!lock) {
    throw ConfigError(
        fmt::format("the run {} is still going on: {}. Two trainers would write the same last.pt "
                    "and results.csv. Wait for its end, stop it (kill -INT and its number lets it "
                    "save and end), or {}",
                    folder.string(), lock.error(), instead));
  }
  if (!(*lock)->excludes()) {
    LogWarning(fmt::format("the file system of {} knows no locks: do not start a second run there",
                           folder.string()));
  }
  return std::move(*lock);
}

}  // namespace headroom
