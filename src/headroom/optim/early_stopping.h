// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace headroom {

// Stops a run that no longer improves: only a strictly better fitness moves the best epoch, except
// that as long as the best is 0 every epoch does (a run that starts slowly is not cut short).
class EarlyStopping {
 public:
  // patience 0: never stops.
  explicit EarlyStopping(int patience) : patience_(patience) {}
  // True when the run should stop after this epoch (from 0).
  bool Update(int epoch, double fitness);
  // What Update of this epoch has returned.
  [[nodiscard]] bool Stops(int epoch) const {
    return patience_ > 0 && epoch - best_epoch >= patience_;
  }
  double best_fitness = 0;
  int best_epoch = 0;

 private:
  int patience_;
};

}  // namespace headroom
