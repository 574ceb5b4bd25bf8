// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/torch_archive.h"

#include "headroom/core/check.h"
#include "headroom/interop/pickle_reader.h"
#include "headroom/interop/pickle_writer.h"
#include "headroom/interop/zip_reader.h"
#include "headroom/interop/zip_writer.h"

#include <fmt/format.h>

#include <string>
#include <unordered_map>
#include <utility>

namespace headroom {
namespace {

constexpr std::size_t kLargestPickle = std::size_t{64} << 20;

bool StartsWith(std::span<const std::byte> file, std::string_view start) {
  return file.size() >= start.size() &&
         std::string_view(reinterpret_cast<const char*>(file.data()), start.size()) == start;
}

// The member `<top>/data.pkl`, one folder deep.
const ZipMember* FindPickle(const ZipReader& zip) {
  for (const ZipMember& member : zip.members()) {
    const std::size_t slash = member.name.find('/');
    if (slash != std::string_view::npos && member.name.substr(slash) == "/data.pkl") return &member;
  }
  return nullptr;
}

std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Status CheckByteOrder(const ZipReader& zip, const std::string& top) {
  const ZipMember* member = zip.Find(top + "byteorder");
  if (member == nullptr) return Unit{};
  const auto payload = zip.Read(*member, Crc::kIgnore);
  if (!payload) return Failure{payload.error()};
  if (AsText(payload->bytes) == "little") return Unit{};
  return Failure{"it was written on a big-endian machine; save it again on a little-endian one"};
}

}  // namespace

struct TorchArchive::State {
  std::uint64_t file_size = 0;
  PickleHeap heap;
  std::unordered_map<std::string, ZipPayload> storages;
  const PickleNode* root = nullptr;

  Status Load(std::span<const std::byte> bytes, ReleaseBytes release);
};

Status TorchArchive::State::Load(std::span<const std::byte> bytes, ReleaseBytes release) {
  file_size = bytes.size();
  const auto zip = ZipReader::Open(bytes, std::move(release));
  if (!zip) return Failure{zip.error()};
  const ZipMember* pickle = FindPickle(*zip);
  if (pickle == nullptr)
    return Failure{"it is a ZIP archive without data.pkl, so torch.save did not write it"};
  const std::string top(pickle->name.substr(0, pickle->name.find('/') + 1));
  if (zip->Find(top + "constants.pkl") != nullptr) {
    return Failure{"it is a TorchScript file, not a checkpoint; give it the suffix .torchscript"};
  }
  if (pickle->size > kLargestPickle) {
    return Failure{
        fmt::format("its pickle has {} bytes; at most {} are read", pickle->size, kLargestPickle)};
  }
  if (Status order = CheckByteOrder(*zip, top); !order) return order;
  const auto text = zip->Read(*pickle, Crc::kVerify);
  if (!text) return Failure{text.error()};

  const auto lookup = [&](std::string_view key) -> Result<std::span<const std::byte>> {
    const auto [at, is_new] = storages.try_emplace(std::string(key));
    if (!is_new) return at->second.bytes;
    const ZipMember* member = zip->Find(fmt::format("{}data/{}", top, key));
    if (member == nullptr) return Failure{fmt::format("its storage {} is missing", key)};
    auto payload = zip->Read(*member, Crc::kVerify);
    if (!payload) return Failure{payload.error()};
    at->second = std::move(*payload);
    return at->second.bytes;
  };
  const auto value = ReadPickle(text->bytes, heap, lookup);
  if (!value) return Failure{value.error()};
  root = *value;
  return Unit{};
}

TorchArchive::TorchArchive(std::unique_ptr<State> state) : state_(std::move(state)) {}
TorchArchive::TorchArchive(TorchArchive&&) noexcept = default;
TorchArchive& TorchArchive::operator=(TorchArchive&&) noexcept = default;
TorchArchive::~TorchArchive() = default;

const PickleNode& TorchArchive::root() const { return *state_->root; }
std::uint64_t TorchArchive::file_size() const { return state_->file_size; }

Result<TorchArchive> TorchArchive::Parse(std::span<const std::byte> file, ReleaseBytes release) {
  if (StartsWith(file, "\x80\x02\x8a\x0a")) {
    return Failure{
        "it was written by torch 1.5 or older; open it with a newer torch and save it again"};
  }
  auto state = std::make_unique<State>();
  if (Status loaded = state->Load(file, std::move(release)); !loaded)
    return Failure{loaded.error()};
  return TorchArchive(std::move(state));
}

bool LooksLikeZip(std::span<const std::byte> file) { return StartsWith(file, "PK\x03\x04"); }

void WriteTorchArchive(FileWriter& file, const PickleNode& root) {
  const Pickled pickled = WritePickle(root);
  ZipWriter zip(file);
  zip.Add("archive/data.pkl", pickled.text);
  zip.Add("archive/.format_version", "1");
  zip.Add("archive/.storage_alignment", "64");
  zip.Add("archive/byteorder", "little");
  for (std::size_t i = 0; i < pickled.storages.size(); ++i) {
    const auto& [source, written_as] = pickled.storages[i];
    const std::string name = fmt::format("archive/data/{}", i);
    if (source.type == written_as) {
      zip.Add(name, source.bytes);
      continue;
    }
    const auto count = static_cast<std::int64_t>(source.bytes.size() / ElementSize(source.type));
    zip.Add(name,
            ConvertTo(TensorData::View(source.type, {count}, source.bytes), written_as).bytes());
  }
  zip.Add("archive/version", "3\n");
  zip.Finish();
}

}  // namespace headroom
