// SPDX-License-Identifier: Apache-2.0
// The pickle reader, and the checkpoint reader on an archive that holds the input as its pickle.
#include "headroom/core/file.h"
#include "headroom/interop/module_walk.h"
#include "headroom/interop/optimizer_state.h"
#include "headroom/interop/pickle_reader.h"
#include "headroom/interop/pickle_writer.h"
#include "headroom/interop/ultralytics_checkpoint.h"
#include "headroom/interop/zip_writer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace {

using headroom::CheckpointContents;
using headroom::Result;

void ReadAsArchive(std::span<const std::byte> pickle) {
  const int descriptor = ::memfd_create("archive", MFD_CLOEXEC);
  if (descriptor < 0) std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  {
    headroom::FileWriter file(::dup(descriptor), path);
    headroom::ZipWriter zip(file);
    constexpr std::array<std::byte, 64> kStorage{};
    zip.Add("a/data.pkl", pickle);
    zip.Add("a/data/0", kStorage);
    zip.Add("a/data/1", std::span(kStorage).first(8));
    zip.Finish();
  }
  const Result<CheckpointContents> contents = headroom::ReadCheckpoint(path);
  if (contents && contents->optimizer != nullptr) {
    static_cast<void>(headroom::ReadOptimizerState(*contents->optimizer));
  }
  ::close(descriptor);
}

// What was read can be written, and reads again.
void WriteAgain(const headroom::PickleNode& root) {
  const headroom::Pickled pickled = headroom::WritePickle(root);
  headroom::PickleHeap heap;
  const auto lookup = [&](std::string_view key) -> Result<std::span<const std::byte>> {
    return pickled.storages.at(std::stoul(std::string(key))).source.bytes;
  };
  if (!headroom::ReadPickle(std::as_bytes(std::span(pickled.text)), heap, lookup)) std::abort();
}

bool Writable(const headroom::PickleNode& node) {
  if (node.As<headroom::PickleStorage>() != nullptr) return false;
  for (const auto* item : node.Items()) {
    if (!Writable(*item)) return false;
  }
  if (const auto* dict = node.As<headroom::PickleDict>()) {
    for (const auto& [key, value] : dict->items) {
      if (!Writable(*key) || !Writable(*value)) return false;
    }
  }
  const auto* object = node.As<headroom::PickleObject>();
  if (object == nullptr) return true;
  return (object->arguments == nullptr || Writable(*object->arguments)) &&
         (object->state == nullptr || Writable(*object->state));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  headroom::PickleHeap heap;
  constexpr std::array<std::byte, 64> kStorage{};
  const auto lookup = [&](std::string_view key) -> Result<std::span<const std::byte>> {
    return std::span(kStorage).first(key == "0" ? 64 : 8);
  };
  const auto root = headroom::ReadPickle(bytes, heap, lookup);
  if (!root) return 0;
  static_cast<void>(headroom::WalkModule(**root));
  if (Writable(**root)) WriteAgain(**root);
  ReadAsArchive(bytes);
  return 0;
}
