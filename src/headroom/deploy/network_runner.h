// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/export_metadata.h"
#include "headroom/image/image.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace headroom {

// What runs an exported network.
class NetworkRunner {
 public:
  // fp32 [N, channels, A] or rows [N, k, 6].
  struct Output {
    const float* data = nullptr;
    std::vector<std::int64_t> shape;
  };
  virtual ~NetworkRunner() = default;
  // pixels: fp32 [images, 3, height, width] in [0, 1]. The output is valid until the next call.
  // Throws DataError that says what the file has and what can be done.
  virtual Output Run(const float* pixels, int images, ImageSize size) = 0;
};

// A network with what its file says of it.
struct OpenedNetwork {
  DetectorFacts facts;
  std::unique_ptr<NetworkRunner> runner;
};

}  // namespace headroom
