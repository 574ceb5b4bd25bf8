// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/train/observer.h"

#include <chrono>
#include <string>

namespace headroom {

// Prints a run: one live line on a terminal, plain lines where standard output is a pipe or a file.
class Console : public TrainObserver {
 public:
  Console();
  void OnMessage(const std::string& text) override;
  void OnEpochStart(int epoch, const char* third_loss) override;
  void OnBatch(const BatchEvent& event) override;
  void OnValidationProgress(std::int64_t done, std::int64_t all) override;
  void OnEpochEnd(const EpochEvent& event) override;

 private:
  void Live(const std::string& line);
  void EndLive();

  bool terminal_;
  bool live_ = false;
  std::chrono::steady_clock::time_point epoch_start_;
  std::chrono::steady_clock::time_point drawn_;
};

}  // namespace headroom
