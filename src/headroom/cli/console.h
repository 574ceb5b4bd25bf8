// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/train/observer.h"

#include <chrono>
#include <string>

namespace headroom {

enum class ConsoleDetail : bool {
  kEpochs,   // A line an epoch (verbose=False).
  kBatches,  // A live line on a terminal; where lines stay, one every 30 seconds.
};

// Prints a run: one live line on a terminal, plain lines where standard output is a pipe, a file, a
// terminal without control (TERM=dumb) or one of a CI job (CI is set).
class Console : public TrainObserver {
 public:
  explicit Console(ConsoleDetail detail = ConsoleDetail::kBatches);
  void OnMessage(const std::string& text) override;
  void OnEpochStart(int epoch, std::span<const std::string> losses) override;
  void OnBatch(const BatchEvent& event) override;
  void OnValidationProgress(std::int64_t done, std::int64_t all) override;
  void OnEpochEnd(const EpochEvent& event) override;

 private:
  enum class AtEnd : bool { kIsCleared, kStays };
  void Live(const std::string& line, AtEnd at_end);
  void EndLive();

  ConsoleDetail detail_;
  bool terminal_;
  bool live_ = false;
  AtEnd at_end_ = AtEnd::kStays;
  BatchEvent last_batch_;
  std::chrono::steady_clock::time_point epoch_start_;
  std::chrono::steady_clock::time_point drawn_;
};

}  // namespace headroom
