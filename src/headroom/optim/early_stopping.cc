// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/early_stopping.h"

namespace headroom {

bool EarlyStopping::Update(int epoch, double fitness) {
  // While nothing was found yet every epoch counts as the best so far.
  if (fitness > best_fitness || best_fitness == 0) {
    best_fitness = fitness;
    best_epoch = epoch;
  }
  return Stops(epoch);
}

}  // namespace headroom
