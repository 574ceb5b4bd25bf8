// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/memory/budget.h"
#include "headroom/train/observer.h"

#include <functional>
#include <string>
#include <vector>

namespace headroom {

// Makes the drawings of a run in what the budget has to spare. A drawing reserves its memory before
// it is made; during a run it never takes from others: what finds no room waits for the end, when
// the run has given its memory back. A drawing that fails is said and left out; none ends a run.
class Drawings {
 public:
  // Both must outlive it. Lines for people go to `messages`.
  Drawings(Budget& budget, TrainObserver& messages) : budget_(budget), messages_(messages) {}

  // False when there is no room now: nothing was drawn, and `draw` may be tried again.
  bool TryNow(const std::string& file, Bytes need, const std::function<void()>& draw);
  // Now, or where there is no room at the end: `draw` must then still be valid.
  void DrawOrKeep(const std::string& file, Bytes need, std::function<void()> draw);
  // A drawing that cannot be made later, and will be missing.
  void LeaveOut(const std::string& file) { left_out_.push_back(file); }
  // Whether `need` is there without taking it from others; at the end always.
  [[nodiscard]] bool HasRoom(Bytes need) const { return at_end_ || need <= budget_.available(); }

  // From now on others may be asked to give back, and what was kept is drawn.
  void StartEnd();
  // What was left out, in one line.
  void SayLeftOut();
  [[nodiscard]] Budget& budget() { return budget_; }

 private:
  struct Kept {
    std::string file;
    Bytes need;
    std::function<void()> draw;
  };

  void SayThatSomeWait(const std::string& file, Bytes need);

  Budget& budget_;
  TrainObserver& messages_;
  bool at_end_ = false;
  bool said_that_some_wait_ = false;
  std::vector<Kept> kept_;
  std::vector<std::string> left_out_;
};

}  // namespace headroom
