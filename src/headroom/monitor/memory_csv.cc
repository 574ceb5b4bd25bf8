// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/memory_csv.h"

#include "headroom/core/error.h"
#include "headroom/core/log.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace headroom {
namespace {

constexpr std::size_t kBufferSize = 16 << 10;
constexpr int kRowsPerWrite = 30;
constexpr double kDenseSeconds = 600;
constexpr double kSparseRow = 10;

std::string Header() {
  std::string header =
      "time_s,rss_mb,rss_anon_mb,rss_peak_mb,ledger_mb,unaccounted_mb,budget_mb,limit_mb,cgroup_"
      "used_mb,cgroup_limit_mb,"
      "oom_kills,mem_available_mb,pressure_some,pressure_full,minor_faults_per_s,major_faults_per_"
      "s,cpu_percent,"
      "gpu_used_mb,gpu_free_mb,gpu_percent";
  for (std::size_t i = 0; i < kMemoryTagCount; ++i) {
    std::string name(Name(static_cast<MemoryTag>(i)));
    std::replace(name.begin(), name.end(), ' ', '_');
    header += fmt::format(",{}_mb", name);
  }
  return header + '\n';
}

// Empty where there is no limit.
std::string Mb(Bytes bytes) {
  return bytes == Bytes::Max() ? "" : fmt::format("{:.1f}", bytes.mib());
}

}  // namespace

MemoryCsv::MemoryCsv(const std::filesystem::path& path) {
  buffer_.reserve(kBufferSize);
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    LogWarning(fmt::format("cannot write {}: {}; the run goes on without it", path.string(),
                           std::strerror(errno)));
    return;
  }
  std::error_code ignored;
  const bool is_new = std::filesystem::file_size(path, ignored) == 0;
  file_ = std::make_unique<FileWriter>(descriptor, path);
  if (is_new) buffer_ += Header();
}

MemoryCsv::~MemoryCsv() { Flush(); }

void MemoryCsv::Add(const ResourceSample& sample) {
  peak_rss_ = std::max(peak_rss_, sample.process.rss);
  peak_anon_ = std::max(peak_anon_, sample.process.rss_anon);
  if (file_ == nullptr || sample.seconds < next_row_s_) return;
  AppendRow(sample);
  previous_ = sample;
  peak_rss_ = peak_anon_ = Bytes();
  // A little early, so that a sample at 9.999 s still counts as the tenth second's.
  next_row_s_ = sample.seconds + (sample.seconds < kDenseSeconds ? 0.0 : kSparseRow - 0.5);
  if (++rows_in_buffer_ >= kRowsPerWrite || buffer_.size() + 1024 > kBufferSize) Write();
}

void MemoryCsv::AppendRow(const ResourceSample& sample) {
  const ProcessMemory& process = sample.process;
  const bool first = previous_.process.rss == Bytes();
  const ProcessMemory& before = first ? process : previous_.process;
  const double elapsed = std::max(sample.seconds - previous_.seconds, 1e-3);
  const auto rate = [elapsed](auto now, auto then) {
    return static_cast<double>(now - then) / elapsed;
  };
  auto out = std::back_inserter(buffer_);
  fmt::format_to(out, "{:.1f},{},{},{},{},{},{},{},{},{},{},{},", sample.seconds, Mb(peak_rss_),
                 Mb(peak_anon_), Mb(process.high_water), Mb(sample.ledger.total().now),
                 Mb(sample.Unaccounted()), Mb(sample.budget), Mb(sample.limit),
                 Mb(sample.cgroup_used), Mb(sample.cgroup_limit), sample.oom_kills.value_or(0),
                 Mb(sample.host.available));
  if (sample.pressure) {
    fmt::format_to(out, "{:.2f},{:.2f},", sample.pressure->some_avg10, sample.pressure->full_avg10);
  } else {
    buffer_ += ",,";
  }
  fmt::format_to(out, "{:.0f},{:.1f},{:.0f},", rate(process.minor_faults, before.minor_faults),
                 rate(process.major_faults, before.major_faults),
                 100 * rate(process.cpu_seconds, before.cpu_seconds));
  if (sample.gpu) {
    fmt::format_to(out, "{},{},{}", Mb(sample.gpu->used), Mb(sample.gpu->free),
                   sample.gpu->utilisation_percent);
  } else {
    buffer_ += ",,";
  }
  for (std::size_t i = 0; i < kMemoryTagCount; ++i) {
    fmt::format_to(out, ",{}", Mb(sample.ledger.row(static_cast<MemoryTag>(i)).now));
  }
  buffer_ += '\n';
}

void MemoryCsv::Flush() {
  if (!buffer_.empty()) Write();
}

void MemoryCsv::Write() {
  rows_in_buffer_ = 0;
  try {
    if (file_ != nullptr) file_->Write(buffer_);
  } catch (const WriteError& error) {
    LogWarning(fmt::format("{}; the run goes on without it", error.what()));
    file_.reset();
  }
  buffer_.clear();
}

}  // namespace headroom
