// SPDX-License-Identifier: Apache-2.0
// The label cache's reader, past its checksums: a file that passes them must still not lead it
// astray. What it takes is used as training uses it.
#include "headroom/core/checksum.h"
#include "headroom/data/label_cache.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

// The layout that label_cache.cc writes.
constexpr std::size_t kSections = 14;
constexpr std::size_t kSectionBytesAt = 48 + sizeof(headroom::DecodeExtremes);
constexpr std::size_t kPayloadChecksumAt = kSectionBytesAt + kSections * 8;
constexpr std::size_t kHeaderChecksumAt = kPayloadChecksumAt + 8;
constexpr std::size_t kHeaderSize = kHeaderChecksumAt + 8;

void MakeChecksumsRight(std::vector<std::byte>& file) {
  if (file.size() < kHeaderSize) return;
  std::array<std::uint64_t, kSections> bytes{};
  std::memcpy(bytes.data(), &file[kSectionBytesAt], sizeof(bytes));
  std::uint64_t sum = 0;
  std::size_t at = kHeaderSize;
  for (const std::uint64_t section : bytes) {
    if (section > file.size() - at) break;
    sum = headroom::Checksum64(file.data() + at, section, sum);
    at = std::min<std::size_t>(at + (section + 7) / 8 * 8, file.size());
  }
  std::memcpy(&file[kPayloadChecksumAt], &sum, sizeof(sum));
  sum = headroom::Checksum64(file.data(), kHeaderChecksumAt);
  std::memcpy(&file[kHeaderChecksumAt], &sum, sizeof(sum));
}

void Use(headroom::DatasetScan& scan) {
  std::string path;
  for (std::size_t i = 0; i < scan.images.size(); ++i) scan.images.CopyPath(i, &path);
  const headroom::LabelView view(scan.labels, {});
  volatile double sum = 0;
  for (std::size_t i = 0; i < scan.labels.image_count(); ++i) {
    view.ForEach(i, [&](int id, const headroom::Xywh& box, const auto& polygon) {
      sum = sum + id + static_cast<double>(box.x) + static_cast<double>(polygon.size());
    });
  }
  headroom::TruncateScan(scan.images.size() / 2, &scan);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> file(bytes, bytes + size);
  MakeChecksumsRight(file);
  const int descriptor = ::memfd_create("cache", MFD_CLOEXEC);
  if (descriptor < 0 ||
      ::write(descriptor, file.data(), file.size()) != static_cast<ssize_t>(file.size()))
    std::abort();
  auto scan = headroom::LoadLabelCache("/proc/self/fd/" + std::to_string(descriptor));
  if (scan.ok()) Use(scan.value());
  ::close(descriptor);
  return 0;
}
