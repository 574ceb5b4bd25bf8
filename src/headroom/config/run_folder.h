// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/file_lock.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace headroom {

// Which folder a run writes to: an absolute project as it is, a relative one under
// <runs_dir>/<task>, no project <runs_dir>/<task>; in it name, or the mode.
struct RunFolderRequest {
  std::filesystem::path runs_dir = "runs";
  std::string task = "detect";
  std::string mode = "train";
  std::string project = {};
  std::string name = {};
  bool exist_ok = false;
};

// The absolute path that is free now: a taken name gets a number (train-2, train-3, ...), unless
// exist_ok. Makes nothing. Throws ConfigError for a name that leaves the project's folder.
[[nodiscard]] std::filesystem::path ChooseRunFolder(const RunFolderRequest& request);

// Makes the folder, its parents and, where asked, weights/ in it; one that exists is taken as it
// is. Throws WriteError that names the folder, the reason and project=.
void CreateRunFolder(const std::filesystem::path& folder, bool with_weights);

// Both at once, so that two runs that start together get two folders. Throws as they do.
[[nodiscard]] std::filesystem::path ClaimRunFolder(const RunFolderRequest& request,
                                                   bool with_weights);

// The run that a checkpoint belongs to: it lies in the run's weights/, beside which is args.yaml. A
// link counts as where it lies, else as what it leads to. Nothing for a checkpoint that was copied
// elsewhere.
[[nodiscard]] std::optional<std::filesystem::path> RunOfCheckpoint(
    const std::filesystem::path& checkpoint);

// The right to write in a run's folder, held until the object goes or the process ends. Throws
// ConfigError while another process has it: which one, since when, and `instead`, what else can be
// done; WriteError where nothing can be written.
[[nodiscard]] std::unique_ptr<FileLock> LockRunFolder(const std::filesystem::path& folder,
                                                      const std::string& instead);

}  // namespace headroom
