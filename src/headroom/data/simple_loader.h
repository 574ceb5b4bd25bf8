// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/loader.h"
#include "headroom/data/sample_source.h"

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace headroom {

// The obvious loader, on the calling thread: makes a position when it is asked for and forgets it
// when it is acknowledged. What the pipelined loader must equal, byte for byte.
class SimpleLoader : public Loader {
 public:
  SimpleLoader(std::unique_ptr<SampleSource> source, int max_in_flight);

  [[nodiscard]] std::int64_t size() const override { return source_->size(); }
  void StartEpoch(int epoch, std::int64_t first_position) override;
  const Sample& Get(std::int64_t position) override;
  void Acknowledge(std::int64_t position) override;
  [[nodiscard]] int max_in_flight() const override { return max_in_flight_; }
  void CloseMosaic() override { source_->CloseMosaic(); }

 private:
  struct Held {
    std::vector<std::uint8_t> pixels;
    SampleSlot slot;
  };
  std::unique_ptr<SampleSource> source_;
  const int max_in_flight_;
  std::unique_ptr<SampleSource::Scratch> scratch_;
  std::int64_t acknowledged_ = 0;
  std::map<std::int64_t, Held> held_;
};

}  // namespace headroom
