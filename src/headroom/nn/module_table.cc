// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/bottleneck.h"
#include "headroom/nn/c2.h"
#include "headroom/nn/c2f.h"
#include "headroom/nn/c2psa.h"
#include "headroom/nn/c3.h"
#include "headroom/nn/concat.h"
#include "headroom/nn/conv.h"
#include "headroom/nn/detect_head.h"
#include "headroom/nn/model.h"
#include "headroom/nn/module_row.h"
#include "headroom/nn/sppf.h"
#include "headroom/nn/upsample.h"

#include <algorithm>

namespace headroom {
namespace {

constexpr const ModuleRow* kTable[] = {
    &kBottleneckRow, &kC2Row,   &kC2fRow,    &kC2PsaRow,  &kC3Row,   &kC3kRow,      &kC3k2Row,
    &kConcatRow,     &kConvRow, &kDwConvRow, &kDetectRow, &kSppfRow, &kUpsampleRow,
};

}  // namespace

std::span<const ModuleRow* const> ModuleTable() { return kTable; }

const ModuleRow* FindModuleRow(std::string_view word) {
  const auto* const at = std::ranges::find(kTable, word, &ModuleRow::word);
  return at == std::end(kTable) ? nullptr : *at;
}

std::int64_t LayerContext::OutChannels() const {
  constexpr std::int64_t kMost = 1 << 16;
  return ScaledChannels(arguments.Int(0, WholeRange{1, kMost}), model.config);
}

}  // namespace headroom
