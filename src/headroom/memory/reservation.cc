// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/reservation.h"

#include "headroom/core/check.h"
#include "headroom/core/error.h"

#include <utility>

namespace headroom {

Reservation::Reservation(Budget& budget, MemoryTag tag, Bytes bytes) : tag_(tag) {
  budget.Charge(tag, bytes);
  budget_ = &budget;
  bytes_ = bytes;
}

Reservation::Reservation(Reservation&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)),
      tag_(other.tag_),
      bytes_(std::exchange(other.bytes_, Bytes())) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    Reset();
    budget_ = std::exchange(other.budget_, nullptr);
    tag_ = other.tag_;
    bytes_ = std::exchange(other.bytes_, Bytes());
  }
  return *this;
}

Reservation Reservation::Try(Budget& budget, MemoryTag tag, Bytes bytes) {
  Reservation reservation;
  if (!budget.TryCharge(tag, bytes)) return reservation;
  reservation.budget_ = &budget;
  reservation.tag_ = tag;
  reservation.bytes_ = bytes;
  return reservation;
}

bool Reservation::TryResize(Bytes bytes) {
  HEADROOM_CHECK(budget_ != nullptr, "resize of an empty reservation");
  if (bytes > bytes_) {
    if (!budget_->TryCharge(tag_, bytes - bytes_)) return false;
  } else {
    budget_->Release(tag_, bytes_ - bytes);
  }
  bytes_ = bytes;
  return true;
}

void Reservation::Resize(Bytes bytes) {
  if (!TryResize(bytes)) throw BudgetError(budget_->Explain(tag_, bytes - bytes_));
}

void Reservation::Reset() noexcept {
  if (budget_ == nullptr) return;
  std::exchange(budget_, nullptr)->Release(tag_, std::exchange(bytes_, Bytes()));
}

}  // namespace headroom
