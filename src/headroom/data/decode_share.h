// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/core/result.h"
#include "headroom/data/dataset_index.h"
#include "headroom/image/image_decoder.h"

#include <cstdint>
#include <string>

namespace headroom {

// What one worker's decoder and the picture it decodes into may hold: the plan's figure for the
// hungriest picture of the set, which the worker has reserved for as long as it lives. So every
// picture of the set fits without waiting; one that was replaced since may not. What is let in is a
// function of the files and the index alone, never of threads, caches or the memory of now.
class DecodeShare {
 public:
  // min_long_side as in DecodeOptions. The index must outlive it.
  DecodeShare(const DatasetIndex& index, int min_long_side)
      : index_(index), bytes_(index.EstimateDecode(min_long_side).Total()) {}

  // For the decode of this image of the index: refuses a picture of another size than was read when
  // the set was scanned (its labels are not this one's, and places are sized by that), and one that
  // asks for more than the share.
  [[nodiscard]] DecodeAdmission For(std::uint32_t image) const;

 private:
  const DatasetIndex& index_;
  Bytes bytes_;
};

// For the message when not even one worker fits: names the picture that asks for most, by its
// header of now; begins with a full stop. Reads the headers of the whole set.
[[nodiscard]] std::string ExplainDecode(const DatasetIndex& index, int min_long_side);

}  // namespace headroom
