// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_history.h"

#include <utility>

namespace headroom {

double RunHistory::Now() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

void RunHistory::Enter(const std::string& phase) {
  const double now = Now();
  if (!phases_.empty()) {
    if (phases_.back().name == phase) return;
    phases_.back().end_s = now;
  }
  phases_.push_back({now, now, phase});
}

void RunHistory::MarkIn(MemoryTimeline& timeline, double offset_s) const {
  timeline.phases = phases_;
  if (!phases_.empty()) timeline.phases.back().end_s = Now();
  timeline.adaptations = adaptations_;
  for (MemoryTimeline::Phase& phase : timeline.phases) {
    phase.begin_s += offset_s;
    phase.end_s += offset_s;
  }
  for (MemoryTimeline::Adaptation& adaptation : timeline.adaptations) adaptation.second += offset_s;
}

}  // namespace headroom
