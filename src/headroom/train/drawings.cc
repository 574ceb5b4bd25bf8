// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/drawings.h"

#include "headroom/core/strings.h"
#include "headroom/device/out_of_memory.h"
#include "headroom/memory/reservation.h"

#include <fmt/format.h>

#include <utility>

namespace headroom {

void Drawings::SayThatSomeWait(const std::string& file, Bytes need) {
  if (at_end_ || std::exchange(said_that_some_wait_, true)) return;
  messages_.OnMessage(
      fmt::format("Plots wait until there is room: {} needs {}, of the memory budget {} is left",
                  file, ToString(need), ToString(budget_.available())));
}

bool Drawings::TryNow(const std::string& file, Bytes need, const std::function<void()>& draw) {
  try {
    if (HasRoom(need)) {
      const Reservation reservation(budget_, MemoryTag::kPlots, need);
      draw();
      return true;
    }
  } catch (const std::exception& failure) {
    if (!OutOfMemoryText(failure)) {
      messages_.OnMessage(fmt::format("WARNING {} is not drawn: {}", file, failure.what()));
      return true;
    }
  }
  SayThatSomeWait(file, need);
  return false;
}

void Drawings::DrawOrKeep(const std::string& file, Bytes need, std::function<void()> draw) {
  if (TryNow(file, need, draw)) return;
  if (at_end_) {
    LeaveOut(file);
  } else {
    kept_.push_back({file, need, std::move(draw)});
  }
}

void Drawings::StartEnd() {
  at_end_ = true;
  for (Kept& one : std::exchange(kept_, {})) DrawOrKeep(one.file, one.need, std::move(one.draw));
}

void Drawings::SayLeftOut() {
  if (left_out_.empty()) return;
  messages_.OnMessage(
      fmt::format("WARNING not drawn for lack of memory: {}; memory= sets the budget",
                  Join(std::exchange(left_out_, {}), ", ")));
}

}  // namespace headroom
