// SPDX-License-Identifier: Apache-2.0
#include "headroom/graph/channel_passes.h"

#include "headroom/core/check.h"
#include "headroom/graph/row_stretches.h"
#include "headroom/graph/row_views.h"
#include "headroom/kernels/copy_rows.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <span>

namespace headroom {
namespace {

void SumWithAten(const std::vector<ChannelTensor>& sources, at::Tensor to) {
  const bool wide = to.scalar_type() == at::kFloat;
  at::Tensor sum = wide ? to : at::empty(to.sizes(), to.options().dtype(at::kFloat));
  sum.zero_();
  for (const ChannelTensor& source : sources)
    sum.narrow(1, source.first_channel, source.tensor.size(1)).add_(source.tensor);
  if (!wide) to.copy_(sum);
}

}  // namespace

ConstRowTensor SourceSegment::Rows(std::size_t source) const {
  return Offset(RowsOf(sources[source]->tensor), 0, first - sources[source]->first_channel);
}

std::vector<SourceSegment> CutSources(const std::vector<ChannelTensor>& sources,
                                      std::int64_t channels) {
  std::vector<std::int64_t> cuts = {0, channels};
  for (const ChannelTensor& source : sources) {
    cuts.push_back(source.first_channel);
    cuts.push_back(source.first_channel + source.tensor.size(1));
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<SourceSegment> segments;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    SourceSegment segment{cuts[i], cuts[i + 1] - cuts[i], {}};
    for (const ChannelTensor& source : sources) {
      if (source.first_channel <= segment.first &&
          segment.first < source.first_channel + source.tensor.size(1))
        segment.sources.push_back(&source);
    }
    segments.push_back(std::move(segment));
  }
  return segments;
}

void CopyChannels(const at::Tensor& from, const at::Tensor& to) {
  if (!to.is_cpu()) {
    to.copy_(from);
    return;
  }
  ForEachStretch(RowCount(to), [&](std::size_t, IndexRange range) {
    CopyRows(RowsOf(from), to.size(1), range, RowsOf(to));
  });
}

void SumChannels(const std::vector<ChannelTensor>& sources, const at::Tensor& to) {
  if (!to.is_cpu() || sources.size() > kMaxSumSources) {
    SumWithAten(sources, to);
    return;
  }
  const std::vector<SourceSegment> segments = CutSources(sources, to.size(1));
  for (const SourceSegment& segment : segments) {
    if (segment.sources.empty()) to.narrow(1, segment.first, segment.channels).zero_();
  }
  ForEachStretch(RowCount(to), [&](std::size_t, IndexRange range) {
    for (const SourceSegment& segment : segments) {
      if (segment.sources.empty()) continue;
      std::array<ConstRowTensor, kMaxSumSources> rows;
      for (std::size_t i = 0; i < segment.sources.size(); ++i) rows[i] = segment.Rows(i);
      SumRows(std::span(rows.data(), segment.sources.size()), segment.channels, range,
              Offset(RowsOf(to), 0, segment.first));
    }
  });
}

}  // namespace headroom
