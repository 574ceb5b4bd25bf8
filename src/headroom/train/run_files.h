// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/train/checkpoint.h"
#include "headroom/train/observer.h"

#include <filesystem>
#include <functional>
#include <string>

namespace headroom {

// The files of a run folder that grow with the run. A file that cannot be written never ends the
// run: it is said at once, and remembered until a later one succeeds.
class RunFiles {
 public:
  RunFiles(std::filesystem::path folder, TrainObserver& observer);

  // Before anything is trained, by who has locked the folder: removes what a kill in the middle of
  // a write has left, and tries to write. Throws WriteError where a later file could not be
  // written.
  void Prepare();
  // A copy of a checkpoint of elsewhere as weights/last.pt. Throws WriteError.
  void Adopt(const std::filesystem::path& checkpoint);
  // Gives memory back, when there is too little for a checkpoint; it is then tried once more.
  std::function<void()> on_out_of_memory;
  // weights/FILE, whole or not at all; the one before stays until then.
  void Save(const std::string& file, const CheckpointParts& parts, const RunPosition& position,
            const DetectionMetrics& metrics);
  // What a finished epoch (from 0) earns beside last.pt, copies of it: best.pt, epoch{epoch}.pt.
  void CopyEpoch(int epoch, bool best, int save_period);
  // FILE of the folder, whole or not at all.
  void WriteText(const std::string& file, const std::string& text);
  // Strips weights/FILE, where it is there, as a finished run leaves it.
  void Strip(const std::string& file);

  [[nodiscard]] std::filesystem::path Weights(const std::string& file) const {
    return folder_ / "weights" / file;
  }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] bool cannot_write() const { return cannot_write_; }

 private:
  // weights/last.pt under another name, copied in pieces.
  void CopyLast(const std::string& file);
  void Fail(const std::string& what);

  std::filesystem::path folder_;
  TrainObserver& observer_;
  bool cannot_write_ = false;
};

}  // namespace headroom
