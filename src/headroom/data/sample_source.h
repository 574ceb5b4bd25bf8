// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/data/sample.h"
#include "headroom/image/image.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace headroom {

// A place for one finished sample, reused for ever: pixels belong to the loader, labels keep their
// memory.
struct SampleSlot {
  std::span<std::uint8_t> pixels;  // Room for the largest sample of the source.
  std::vector<LabelBox> labels;
  Sample sample;  // What the consumer sees.

  // For makers: the packed picture of a shape, whose pixels are to be written.
  [[nodiscard]] MutableImageView Shape(ImageSize size) {
    sample = Sample{};
    sample.height = size.height;
    sample.width = size.width;
    sample.pixels = pixels.first(size.PixelBytes().count());
    return PackedView(pixels.data(), size);
  }
};

// Makes the samples of a data set: training pictures, letterboxed ones. What a position holds is a
// function of (epoch, position) and of the options that the source was built with.
class SampleSource {
 public:
  // What one worker keeps between samples: decoder, buffers.
  class Scratch {
   public:
    virtual ~Scratch() = default;
  };

  virtual ~SampleSource() = default;
  [[nodiscard]] virtual std::int64_t size() const = 0;
  [[nodiscard]] virtual Bytes max_sample_bytes() const = 0;
  // Host bytes that one more worker may hold: its scratch.
  [[nodiscard]] virtual Bytes worker_bytes() const = 0;
  // For messages, where not even one worker fits: what it is that asks for so much, to be put
  // behind them. May be empty; may read files.
  [[nodiscard]] virtual std::string ExplainWorker() const { return {}; }
  [[nodiscard]] virtual std::unique_ptr<Scratch> MakeScratch() = 0;
  // No Make runs meanwhile. Samples are wanted from first_position on, in order.
  virtual void StartEpoch(int epoch, std::int64_t first_position) = 0;
  // From the next StartEpoch on.
  virtual void CloseMosaic() {}
  // A sample is about to be made; called in order of positions, one at a time.
  virtual void BeforeMake(std::int64_t /*position*/) {}
  // Thread-safe, one scratch a thread. Throws what ends the command (DataError: no usable image).
  virtual void Make(std::int64_t position, Scratch& scratch, SampleSlot* slot) = 0;
};

}  // namespace headroom
