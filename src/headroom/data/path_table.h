// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headroom {

// Many paths in little memory: each folder once, the file names in one arena, 8 bytes a path beside
// its name. Threads may read it together.
class PathTable {
 public:
  void Append(std::string_view path);
  // Into the byte order of the whole paths, which is how the reference sorts its lists. Stable.
  void Sort();
  // Keeps the first n.
  void Truncate(std::size_t n);
  // Keeps those whose flag is set, in order.
  void Keep(const std::vector<bool>& keep);
  // Frees what only appending needs, and spare capacity.
  void ShrinkToFit();

  [[nodiscard]] std::size_t size() const { return folder_of_.size(); }
  [[nodiscard]] std::string Path(std::size_t i) const;
  // The same into a reused string.
  void CopyPath(std::size_t i, std::string* path) const;
  [[nodiscard]] Bytes NumBytes() const;
  // NumBytes() of n shrunk paths.
  [[nodiscard]] static Bytes EstimateBytes(std::uint64_t n, std::uint64_t mean_name_length,
                                           std::uint64_t folders);

 private:
  friend class LabelCacheAccess;
  [[nodiscard]] std::string_view NameOf(std::size_t i) const;
  [[nodiscard]] bool Less(std::uint32_t a, std::uint32_t b) const;
  void AppendName(std::string_view name);

  std::vector<std::string> folders_;                           // With their final '/'.
  std::unordered_map<std::string, std::uint32_t> folder_ids_;  // While appending.
  std::vector<std::uint32_t> folder_of_;
  std::vector<std::uint32_t> name_begin_{0};
  std::string names_;
};

}  // namespace headroom
