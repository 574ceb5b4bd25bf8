// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/memory_chart.h"

#include <chrono>
#include <string>
#include <vector>

namespace headroom {

// When a run did what, for its memory timeline: phases and acts of adaptation, in seconds since
// Start.
class RunHistory {
 public:
  void Start() { started_ = std::chrono::steady_clock::now(); }
  // Ends the phase before; the same name again goes on with it.
  void Enter(const std::string& phase);
  void Add(const std::string& adaptation) { adaptations_.push_back({Now(), adaptation}); }
  // The phases until now and the adaptations, shifted by `offset_s`.
  void MarkIn(MemoryTimeline& timeline, double offset_s) const;
  [[nodiscard]] const std::vector<MemoryTimeline::Adaptation>& adaptations() const {
    return adaptations_;
  }

 private:
  [[nodiscard]] double Now() const;

  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::vector<MemoryTimeline::Phase> phases_;  // The last one goes on.
  std::vector<MemoryTimeline::Adaptation> adaptations_;
};

}  // namespace headroom
