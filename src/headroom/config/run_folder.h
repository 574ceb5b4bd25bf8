// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace headroom {

// Which folder a run writes to: <runs_dir>/<task>/[project/]<name or mode>, with -2, -3, ...
// appended when it exists and exist_ok is False. An absolute project is used as it is.
struct RunFolderRequest {
  std::filesystem::path runs_dir = "runs";
  std::string task = "detect";
  std::string mode = "train";
  std::string project;
  std::string name;
  bool exist_ok = false;
};
[[nodiscard]] std::filesystem::path ChooseRunFolder(const RunFolderRequest& request);

// Creates the folder (and weights/ in it where asked). Throws WriteError that names the folder and
// why.
void CreateRunFolder(const std::filesystem::path& folder, bool with_weights);

}  // namespace headroom
