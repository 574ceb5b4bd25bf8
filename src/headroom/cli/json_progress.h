// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/train/observer.h"

namespace headroom {

// progress=json: one JSON object a line on standard output, for programs. Every object has "event":
// message, adaptation, start, epoch_start, batch, validation, epoch, end. Sizes in bytes, times in
// seconds, epochs from 1.
class JsonProgress : public TrainObserver {
 public:
  void OnMessage(const std::string& text) override;
  void OnAdaptation(const std::string& text) override;
  void OnRunStart(const RunStart& run) override;
  void OnEpochStart(int epoch, std::span<const std::string> losses) override;
  void OnBatch(const BatchEvent& event) override;
  void OnValidationProgress(std::int64_t done, std::int64_t all) override;
  void OnEpochEnd(const EpochEvent& event) override;
  void OnRunEnd(const std::string& memory_summary) override;

 private:
  std::string folder_;
  std::vector<std::string> losses_;  // Names of the loss's terms.
};

}  // namespace headroom
