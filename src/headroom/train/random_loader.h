// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/rng.h"
#include "headroom/data/loader.h"

#include <cstdint>
#include <vector>

namespace headroom::testing {

// A loader of square pictures of noise with a few boxes each, for tests of the step: a function of
// its seed.
class RandomLoader : public Loader {
 public:
  RandomLoader(std::int64_t images, int side, int classes, std::uint64_t seed = 0) {
    Rng rng(seed);
    for (std::int64_t i = 0; i < images; ++i) {
      auto& pixels = pixels_.emplace_back(static_cast<std::size_t>(side) * side * 3);
      for (std::uint8_t& byte : pixels) byte = static_cast<std::uint8_t>(rng.Integer(0, 255));
      auto& labels = labels_.emplace_back();
      for (std::int64_t k = 0; k < 1 + i % 4; ++k) {
        const auto unit = [&] { return static_cast<float>(rng.Integer(200, 800)) / 1000; };
        labels.push_back({static_cast<std::int32_t>(rng.Integer(0, classes - 1)),
                          {unit(), unit(), unit() / 2, unit() / 2}});
      }
    }
    for (std::size_t i = 0; i < pixels_.size(); ++i) {
      samples_.push_back(
          {.pixels = pixels_[i], .height = side, .width = side, .labels = labels_[i]});
    }
  }
  [[nodiscard]] std::int64_t size() const override {
    return static_cast<std::int64_t>(samples_.size());
  }
  void StartEpoch(int /*epoch*/, std::int64_t /*first*/) override {}
  const Sample& Get(std::int64_t position) override {
    return samples_.at(static_cast<std::size_t>(position));
  }
  void Acknowledge(std::int64_t /*position*/) override {}
  [[nodiscard]] int max_in_flight() const override { return static_cast<int>(samples_.size()); }
  void CloseMosaic() override {}

 private:
  std::vector<std::vector<std::uint8_t>> pixels_;
  std::vector<std::vector<LabelBox>> labels_;
  std::vector<Sample> samples_;
};

}  // namespace headroom::testing
