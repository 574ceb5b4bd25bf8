// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <utility>

namespace headroom {

void RunHistory::Start(const std::filesystem::path& file, bool resumed) {
  file_ = file;
  if (resumed) {
    std::ifstream before(file);
    double second = 0;
    std::string text;
    while (before >> second && std::getline(before >> std::ws, text))
      earlier_.push_back({second, text});
  } else {
    std::error_code error;
    std::filesystem::remove(file, error);
  }
  started_ = std::chrono::steady_clock::now();
  // Of the set-up, when there was no folder to write to.
  for (MemoryTimeline::Adaptation& act : adaptations_) Write(act = {0, act.text});
}

void RunHistory::Add(const std::string& adaptation) {
  adaptations_.push_back({Now(), adaptation});
  Write(adaptations_.back());
}

void RunHistory::Write(const MemoryTimeline::Adaptation& act) const {
  if (file_.empty()) return;
  std::string line = act.text;
  std::replace(line.begin(), line.end(), '\n', ' ');
  // Each act at once: what comes next may be a kill.
  std::ofstream(file_, std::ios::app) << fmt::format("{:.1f} {}\n", act.second, line);
}

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
