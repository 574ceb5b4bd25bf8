// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/file.h"
#include "headroom/monitor/resource_sample.h"

#include <filesystem>
#include <memory>
#include <string>

namespace headroom {

// memory.csv of a run: a row a second for the first ten minutes, then one in ten, each with the
// largest resident size since the row before it; a header when the file is new, appended to on
// resume. Buffered up to 16 KiB and written every 30 rows. A disk that is full stops the file, not
// the run: one warning. Not thread-safe.
class MemoryCsv {
 public:
  explicit MemoryCsv(const std::filesystem::path& path);
  ~MemoryCsv();
  MemoryCsv(const MemoryCsv&) = delete;
  MemoryCsv& operator=(const MemoryCsv&) = delete;

  void Add(const ResourceSample& sample);
  void Flush();

 private:
  void AppendRow(const ResourceSample& sample);
  void Write();

  std::unique_ptr<FileWriter> file_;
  std::string buffer_;
  int rows_in_buffer_ = 0;
  double next_row_s_ = 0;
  Bytes peak_rss_;
  Bytes peak_anon_;
  ResourceSample previous_;
};

}  // namespace headroom
