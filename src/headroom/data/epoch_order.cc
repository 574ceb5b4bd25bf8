// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/epoch_order.h"

#include "headroom/core/check.h"

#include <algorithm>
#include <utility>

namespace headroom {
namespace {

constexpr std::uint64_t kShuffleStream = 0x53687566666c65;  // Apart from the samples' streams.

}  // namespace

EpochOrder::EpochOrder(std::uint64_t seed, std::uint32_t images)
    : shuffle_(true), rng_(Rng(seed ^ kShuffleStream)), current_(images), previous_(images) {}

EpochOrder::EpochOrder(std::vector<std::uint32_t> order)
    : shuffle_(false), current_(std::move(order)) {}

std::vector<std::uint32_t> EpochOrder::Shuffled(int epoch) const {
  Rng rng = rng_.Fork(static_cast<std::uint64_t>(epoch + 1));
  return rng.Permutation(static_cast<std::uint32_t>(current_.size()));
}

void EpochOrder::Start(int epoch) {
  HEADROOM_CHECK(epoch >= 0, "epochs are counted from 0");
  if (!shuffle_ || epoch == epoch_) return;
  if (epoch == epoch_ + 1) {
    previous_.swap(current_);
  } else {
    previous_ = Shuffled(epoch - 1);
  }
  current_ = Shuffled(epoch);
  epoch_ = epoch;
}

std::uint32_t EpochOrder::Before(std::int64_t position, std::int64_t back) const {
  const std::int64_t at = position - back;
  if (at >= 0) return At(at);
  return (shuffle_ ? previous_ : current_)[static_cast<std::size_t>(at + size())];
}

std::int64_t MosaicWindow(std::int64_t images, int batch) {
  constexpr std::int64_t kLongest = 1000;
  return std::min({images, std::int64_t{8} * batch, kLongest});
}

}  // namespace headroom
