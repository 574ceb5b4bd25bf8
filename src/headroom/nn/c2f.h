// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/bottleneck.h"
#include "headroom/nn/c3.h"
#include "headroom/nn/module_row.h"
#include "headroom/nn/network_builder.h"
#include "headroom/nn/psa_block.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace headroom {

// What C2f and C3k2 chain.
enum class C2fInner : std::uint8_t {
  kBottleneck,      // C2f: full width, 3x3 and 3x3.
  kHalfBottleneck,  // C3k2: half width.
  kC3k,             // C3k2 with c3k.
  kAttention,       // C3k2 with attn: a half bottleneck, then a PSA block.
};

// cv1 to two halves; inner blocks chained from the second half, every output kept; cv2 over the
// concatenation of all.
class C2f {
 public:
  struct Options {
    int repeats = 1;
    bool shortcut = false;
    std::int64_t groups = 1;
    double expansion = 0.5;
    C2fInner inner = C2fInner::kBottleneck;
  };
  C2f(NetworkBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
      const Options& options);
  ValueId Wire(NetworkBuilder& builder, ValueId x) const;

 private:
  struct Inner {
    std::optional<Bottleneck> bottleneck;
    std::optional<C3> c3k;
    std::optional<PsaBlock> attention;
    ValueId Wire(NetworkBuilder& builder, ValueId x) const;
  };
  static Inner MakeInner(NetworkBuilder& builder, const std::string& name, std::int64_t width,
                         const Options& options);

  std::int64_t hidden_;
  ConvBlock cv1_;
  ConvBlock cv2_;
  std::vector<Inner> chain_;
};

extern const ModuleRow kC2fRow;
extern const ModuleRow kC3k2Row;

}  // namespace headroom
