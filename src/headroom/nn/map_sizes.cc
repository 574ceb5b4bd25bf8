// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/map_sizes.h"

#include "headroom/core/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

// The image at which the reference measures strides.
constexpr std::int64_t kProbe = 256;

std::string Size(const Extent& extent) {
  return fmt::format("{} x {}", extent.height, extent.width);
}

}  // namespace

void MapSizes::Fail(std::size_t value, const std::string& text) const {
  const auto end = std::ranges::upper_bound(layer_ends_, value);
  const auto layer =
      std::min(static_cast<std::size_t>(end - layer_ends_.begin()), config_.layers.size() - 1);
  throw ConfigError(config_.Where(layer) + ": " + text);
}

Extent MapSizes::MeasureValue(std::size_t id, const std::vector<Extent>& extents) const {
  const auto at = [&](ValueId value) { return extents[static_cast<std::size_t>(value)]; };
  const Value& value = graph_.value(static_cast<ValueId>(id));
  if (value.is_slice()) return at(value.slice_of);
  if (value.is_concat()) {
    for (const ValueId part : value.parts) {
      if (!(at(part) == at(value.parts[0]))) {
        Fail(id, fmt::format("it joins maps of {} and {} (for an image of {} x {})",
                             Size(at(value.parts[0])), Size(at(part)), extents[0].height,
                             extents[0].width));
      }
    }
    return at(value.parts[0]);
  }
  const Node& node = graph_.node(value.producer);
  const Extent extent = node.operation->OutputExtent(at(node.inputs[0].value));
  if (extent.height < 1 || extent.width < 1) {
    Fail(id, fmt::format("nothing is left of a map of {} (for an image of {} x {})",
                         Size(at(node.inputs[0].value)), extents[0].height, extents[0].width));
  }
  // A second input is added to the result.
  if (node.inputs.size() > 1 && !(at(node.inputs[1].value) == extent)) {
    Fail(id, fmt::format("its shortcut adds a map of {} to one of {}: give odd kernels, or no "
                         "shortcut",
                         Size(at(node.inputs[1].value)), Size(extent)));
  }
  return extent;
}

std::vector<Extent> MapSizes::Measure(std::int64_t image) const {
  std::vector<Extent> extents = {{image, image}};
  for (std::size_t id = 1; id < graph_.values().size(); ++id)
    extents.push_back(MeasureValue(id, extents));
  return extents;
}

std::vector<int> MapSizes::Strides(std::span<const std::size_t> outputs) const {
  std::vector<int> strides;
  const std::vector<Extent> probe = Measure(kProbe);
  for (const std::size_t output : outputs) {
    strides.push_back(
        static_cast<int>(kProbe / std::max<std::int64_t>(OutputExtent(probe, output).height, 1)));
  }
  const int largest = *std::ranges::max_element(strides);
  std::vector<std::int64_t> images = {kProbe};
  for (const int strides_an_image : {5, 7, 10, 20}) images.push_back(strides_an_image * largest);
  for (const std::int64_t image : images) {
    const std::vector<Extent> extents = Measure(image);
    for (std::size_t level = 0; level < outputs.size(); ++level) {
      const std::int64_t cells = OutputExtent(extents, outputs[level]).height;
      if (cells * strides[level] == image) continue;
      Fail(static_cast<std::size_t>(graph_.outputs()[outputs[level]]),
           fmt::format("level {} of the head has {} cells for {} pixels, which is no whole stride: "
                       "check the paddings of the convolutions before it",
                       level, cells, image));
    }
  }
  return strides;
}

}  // namespace headroom
