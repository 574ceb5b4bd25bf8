// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/event_file.h"
#include "headroom/train/observer.h"

#include <memory>
#include <string>

namespace headroom {

// tensorboard=True: the columns of results.csv as scalars of an event file in the run's folder.
class TensorboardObserver : public TrainObserver {
 public:
  void OnRunStart(const RunStart& run) override;
  void OnEpochStart(int epoch, const char* third_loss) override;
  void OnEpochEnd(const EpochEvent& event) override;

 private:
  std::string third_loss_ = "dfl_loss";
  std::unique_ptr<EventFileWriter> file_;
};

}  // namespace headroom
