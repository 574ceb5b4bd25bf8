// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_files.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/temporary_file.h"
#include "headroom/device/out_of_memory.h"

#include <fmt/format.h>

#include <fstream>
#include <utility>
#include <vector>

namespace headroom {
namespace {

constexpr std::size_t kPiece = 1 << 18;

void CopyInPieces(const std::filesystem::path& from, FileWriter& to) {
  std::ifstream file(from, std::ios::binary);
  if (!file) throw WriteError(fmt::format("{} cannot be read", from.string()));
  std::vector<char> piece(kPiece);
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    to.Write(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
}

}  // namespace

RunFiles::RunFiles(std::filesystem::path folder, TrainObserver& observer)
    : folder_(std::move(folder)), observer_(observer) {}

void RunFiles::Prepare() {
  const std::filesystem::path weights = folder_ / "weights";
  for (const std::filesystem::path& file :
       {Weights("last.pt"), Weights("best.pt"), folder_ / "results.csv"}) {
    if (std::filesystem::is_directory(file))
      throw WriteError(fmt::format("cannot write {}: it is a folder", file.string()));
  }
  const int left = RemoveTemporaries(folder_, "") + RemoveTemporaries(weights, ".pt");
  if (left > 0) {
    observer_.OnMessage(fmt::format("Removed {} unfinished file{} that a kill has left", left,
                                    left > 1 ? "s" : ""));
  }
  TryToWriteIn(folder_);
  TryToWriteIn(weights);
}

void RunFiles::Adopt(const std::filesystem::path& checkpoint) {
  WriteFileAtomic(Weights("last.pt"),
                  [&](FileWriter& writer) { CopyInPieces(checkpoint, writer); });
}

void RunFiles::Fail(const std::string& what) {
  cannot_write_ = true;
  observer_.OnMessage(
      fmt::format("ERROR {}; training goes on, the previous file is untouched", what));
}

void RunFiles::Save(const std::string& file, const CheckpointParts& parts,
                    const RunPosition& position, const DetectionMetrics& metrics) {
  for (bool again = static_cast<bool>(on_out_of_memory);; again = false) {
    try {
      SaveCheckpoint(Weights(file), parts, position, metrics);
      cannot_write_ = false;
      return;
    } catch (const WriteError& error) {
      return Fail(error.what());
    } catch (const std::exception& error) {
      const std::optional<std::string> what = OutOfMemoryText(error);
      if (!what) throw;
      if (!again) return Fail(fmt::format("{} was not saved for lack of memory: {}", file, *what));
    }
    on_out_of_memory();
  }
}

void RunFiles::CopyEpoch(int epoch, bool best, int save_period) {
  if (best) CopyLast("best.pt");
  if (save_period > 0 && epoch % save_period == 0) CopyLast(fmt::format("epoch{}.pt", epoch));
}

void RunFiles::WriteText(const std::string& file, const std::string& text) {
  try {
    WriteFileAtomic(folder_ / file, text);
  } catch (const WriteError& error) {
    Fail(error.what());
  }
}

void RunFiles::CopyLast(const std::string& file) {
  if (cannot_write_) return;
  try {
    WriteFileAtomic(Weights(file),
                    [&](FileWriter& writer) { CopyInPieces(Weights("last.pt"), writer); });
  } catch (const WriteError& error) {
    Fail(error.what());
  }
}

void RunFiles::Strip(const std::string& file) {
  const std::filesystem::path path = Weights(file);
  if (!std::filesystem::exists(path)) return;
  try {
    const std::uint64_t size = StripCheckpoint(path);
    observer_.OnMessage(fmt::format("Optimizer stripped from {}, {:.1f}MB", path.string(),
                                    static_cast<double>(size) / 1e6));
  } catch (const WriteError& error) {
    Fail(error.what());
  }
}

}  // namespace headroom
