// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/run_folder.h"

#include "headroom/core/error.h"

#include <fmt/format.h>
#include <unistd.h>

#include <system_error>

namespace headroom {
namespace fs = std::filesystem;

fs::path ChooseRunFolder(const RunFolderRequest& request) {
  fs::path parent = request.runs_dir / request.task;
  if (!request.project.empty())
    parent = fs::path(request.project).is_absolute() ? fs::path(request.project)
                                                     : parent / request.project;
  const fs::path folder = parent / (request.name.empty() ? request.mode : request.name);
  if (request.exist_ok || !fs::exists(folder)) return folder;
  for (int i = 2; i < 9999; ++i) {
    fs::path next = folder;
    next += fmt::format("-{}", i);
    if (!fs::exists(next)) return next;
  }
  throw ConfigError(fmt::format(
      "{} and 9997 numbered folders beside it exist; choose another name=", folder.string()));
}

void CreateRunFolder(const fs::path& folder, bool with_weights) {
  std::error_code error;
  fs::create_directories(with_weights ? folder / "weights" : folder, error);
  if (error)
    throw WriteError(fmt::format(
        "cannot create {}: {}; choose a writable project=", folder.string(), error.message()));
  if (::access(folder.c_str(), W_OK) != 0)
    throw WriteError(
        fmt::format("{} is not writable; choose another project= or name=", folder.string()));
}

}  // namespace headroom
