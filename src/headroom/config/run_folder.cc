// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/run_folder.h"

#include "headroom/core/error.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace headroom {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxNumber = 100'000;

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

}  // namespace headroom
