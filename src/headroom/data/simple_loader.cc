// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/simple_loader.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

#include <utility>

namespace headroom {

SimpleLoader::SimpleLoader(std::unique_ptr<SampleSource> source, int max_in_flight)
    : source_(std::move(source)), max_in_flight_(max_in_flight), scratch_(source_->MakeScratch()) {}

void SimpleLoader::StartEpoch(int epoch, std::int64_t first_position) {
  held_.clear();
  acknowledged_ = first_position;
  source_->StartEpoch(epoch, first_position);
}

const Sample& SimpleLoader::Get(std::int64_t position) {
  HEADROOM_CHECK(
      position >= acknowledged_ && position < acknowledged_ + max_in_flight_ && position < size(),
      fmt::format("position {} while {} is acknowledged", position, acknowledged_));
  auto [found, is_new] = held_.try_emplace(position);
  if (is_new) {
    Held& held = found->second;
    held.pixels.resize(source_->max_sample_bytes().count());
    held.slot.pixels = held.pixels;
    source_->BeforeMake(position);
    source_->Make(position, *scratch_, &held.slot);
  }
  return found->second.slot.sample;
}

void SimpleLoader::Acknowledge(std::int64_t position) {
  acknowledged_ = position;
  held_.erase(held_.begin(), held_.lower_bound(position));
}

}  // namespace headroom
