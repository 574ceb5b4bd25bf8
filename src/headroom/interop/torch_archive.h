// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/file.h"
#include "headroom/core/result.h"
#include "headroom/interop/pickle_value.h"
#include "headroom/interop/zip_reader.h"

#include <cstddef>
#include <memory>
#include <span>

namespace headroom {

// A file of torch.save (torch 1.6 and later): a ZIP archive of `<top>/data.pkl` and the storages
// `<top>/data/<key>`. The values' tensors are views of the file's bytes; the archive must outlive
// them. Checksums are verified, each storage once. Move-only; thread-safe once open.
class TorchArchive {
 public:
  // Of bytes that the caller keeps alive. `release`: see zip_reader.h. Failure says what is wrong
  // without a path.
  [[nodiscard]] static Result<TorchArchive> Parse(std::span<const std::byte> file,
                                                  ReleaseBytes release = {});

  TorchArchive(TorchArchive&&) noexcept;
  TorchArchive& operator=(TorchArchive&&) noexcept;
  ~TorchArchive();

  [[nodiscard]] const PickleNode& root() const;
  [[nodiscard]] std::uint64_t file_size() const;

 private:
  struct State;
  explicit TorchArchive(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// Whether the bytes begin as a ZIP archive does.
[[nodiscard]] bool LooksLikeZip(std::span<const std::byte> file);

// Writes what torch.load reads: stored members, storages at multiples of 64 bytes. A storage that
// is to be written in another type is converted alone, so the extra memory is one storage's. Throws
// WriteError; use WriteFileAtomic.
void WriteTorchArchive(FileWriter& file, const PickleNode& root);

}  // namespace headroom
