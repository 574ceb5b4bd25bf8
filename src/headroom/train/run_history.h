// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/memory_chart.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace headroom {

// When a run did what, for its memory timeline and report: phases and acts of adaptation, in
// seconds since Start. The acts are also kept in a file of the run's folder, a line each, so that
// a resumed run knows of those before it.
class RunHistory {
 public:
  // A new run forgets what the file told. A file that cannot be written is done without.
  void Start(const std::filesystem::path& file, bool resumed);
  // Ends the phase before; the same name again goes on with it.
  void Enter(const std::string& phase);
  void Add(const std::string& adaptation);
  // The phases until now and the adaptations, shifted by `offset_s`.
  void MarkIn(MemoryTimeline& timeline, double offset_s) const;
  [[nodiscard]] const std::vector<MemoryTimeline::Adaptation>& adaptations() const {
    return adaptations_;
  }
  // What the file told at Start; the seconds are those of the processes before.
  [[nodiscard]] const std::vector<MemoryTimeline::Adaptation>& earlier() const { return earlier_; }

 private:
  void Write(const MemoryTimeline::Adaptation& act) const;
  [[nodiscard]] double Now() const;

  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::vector<MemoryTimeline::Phase> phases_;  // The last one goes on.
  std::vector<MemoryTimeline::Adaptation> adaptations_;
  std::vector<MemoryTimeline::Adaptation> earlier_;
  std::filesystem::path file_;  // Empty before Start.
};

}  // namespace headroom
