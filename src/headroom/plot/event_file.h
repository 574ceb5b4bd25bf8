// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/file.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace headroom {

// Scalars for TensorBoard: a file events.out.tfevents.<time>.<host>.<process> in a run's folder.
// TFRecord framing (length and data, each with a masked CRC-32C) around Event messages; the fields'
// numbers are those of tensorflow/core/util/event.proto and framework/summary.proto. A disk that is
// full stops the file, not the run: one warning. Not thread-safe.
class EventFileWriter {
 public:
  // wall_time: seconds since 1970; it names the file and stamps its first event.
  EventFileWriter(const std::filesystem::path& folder, double wall_time);
  ~EventFileWriter();
  EventFileWriter(const EventFileWriter&) = delete;
  EventFileWriter& operator=(const EventFileWriter&) = delete;

  void AddScalar(std::string_view tag, std::int64_t step, double value, double wall_time);
  // Events are held until then or until 16 KiB are full; call it at the end of an epoch.
  void Flush();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::unique_ptr<FileWriter> file_;
  std::string buffer_;
};

namespace internal {

// Castagnoli's polynomial, reflected (RFC 3720, appendix B.4).
[[nodiscard]] std::uint32_t Crc32c(std::string_view bytes);
[[nodiscard]] std::string VersionEvent(double wall_time);
[[nodiscard]] std::string ScalarEvent(std::string_view tag, std::int64_t step, float value,
                                      double wall_time);
[[nodiscard]] std::string FrameRecord(std::string_view data);

}  // namespace internal
}  // namespace headroom
