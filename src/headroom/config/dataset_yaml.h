// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom {

// A data set's YAML, checked, every path absolute. Images and labels are not looked at.
struct DatasetConfig {
  std::string file;            // The YAML's path.
  std::filesystem::path root;  // Of the splits.
  // Folders of images, list files or single images, in order; empty where there is no such split.
  std::vector<std::string> train, val, test, minival;
  std::vector<std::string> names;  // By class.
  int channels = 3;
  std::string download;  // As written; never executed or fetched.
  // Keys that nothing reads, with their lines: one of them may be meant for a split.
  std::vector<std::pair<std::string, int>> other_keys;

  [[nodiscard]] int classes() const { return static_cast<int>(names.size()); }
  // train, val, test or minival; none stands in for another. Throws ConfigError where there is no
  // such split, with the key that resembles it, and DataError where a place does not exist: what
  // was looked for and, if there is one, that the download line is not run.
  [[nodiscard]] const std::vector<std::string>& Split(const std::string& split) const;
};

// Reads data=: a YAML file, or a folder that holds data.yaml (or one other YAML file); relative to
// the working folder, else to `datasets_dir`. A relative `path:` is looked for in the YAML's
// folder, the working folder, then datasets_dir. Throws ConfigError with file and line: broken
// YAML, tabs, types, nc and names in conflict, no split at all, a `path:` in none of the three
// places (all are listed).
[[nodiscard]] DatasetConfig ReadDatasetYaml(const std::string& data,
                                            const std::filesystem::path& datasets_dir);

}  // namespace headroom
