// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/event_file.h"
#include "headroom/train/observer.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace headroom {

// tensorboard=True: the columns of results.csv as scalars of an event file in the run's folder.
class TensorboardObserver : public TrainObserver {
 public:
  void OnRunStart(const RunStart& run) override;
  void OnEpochStart(int epoch, std::span<const std::string> losses) override;
  void OnEpochEnd(const EpochEvent& event) override;

 private:
  std::vector<std::string> losses_;
  std::unique_ptr<EventFileWriter> file_;
};

}  // namespace headroom
