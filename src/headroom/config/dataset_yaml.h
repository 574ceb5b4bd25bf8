// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace headroom {

// A data.yaml, read and resolved.
struct DatasetConfig {
  std::string file;                           // As the user gave it.
  std::filesystem::path root;                 // Absolute.
  std::vector<std::string> train, val, test;  // Folders and list files, absolute.
  std::vector<std::string> names;             // By class.

  [[nodiscard]] int classes() const { return static_cast<int>(names.size()); }
  // train, val or test; throws ConfigError when the split is not there. val stands for test when
  // only that is given.
  [[nodiscard]] const std::vector<std::string>& Split(const std::string& split) const;
};

// Reads `data`: a YAML file, or a folder with a data.yaml. A relative `path:` is tried in the
// YAML's folder, in the working folder, then in `datasets_dir`; the error lists all three.
// `download:` is never executed. Throws ConfigError with file and line.
[[nodiscard]] DatasetConfig ReadDatasetYaml(const std::string& data,
                                            const std::filesystem::path& datasets_dir);

}  // namespace headroom
