// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training_step.h"

namespace headroom {

// Prints where the time of a step goes: by kind of operation, forward, made again and backward;
// the loss and the update; and what all convolutions take by themselves.
void PrintProfile(TrainingStep& step, const StepVariant& variant, int rounds);

}  // namespace headroom
