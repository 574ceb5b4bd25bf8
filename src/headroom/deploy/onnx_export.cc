// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/onnx_export.h"

#include "headroom/core/error.h"
#include "headroom/deploy/export_metadata.h"
#include "headroom/deploy/onnx_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace headroom {

MemoryNeed EstimateMemory(const ExportOptions& options, const Model& model) {
  const std::uint64_t width = options.precision == ExportPrecision::kFloat16 ? 2 : 4;
  std::uint64_t values = 0;
  std::uint64_t largest = 0;
  for (const Parameter& parameter : model.parameters->parameters()) {
    const auto count = static_cast<std::uint64_t>(parameter.count);
    values += count;
    largest = std::max(largest, count);
  }
  const Bytes converting = width < sizeof(float) ? Bytes::Of(largest, sizeof(float)) : Bytes();
  return {MemoryTag::kCheckpoint, Bytes::Of(values, width) + converting};
}

void ExportOnnx(const std::filesystem::path& path, const Model& model,
                const ExportOptions& options) {
  if (options.opset < kOldestOpset || options.opset > kNewestOpset) {
    throw ConfigError(
        fmt::format("opset={} is not supported; {} (the default, which OpenCV 4.6 "
                    "reads too) to {} are",
                    options.opset, kOldestOpset, kNewestOpset));
  }
  OnnxNetwork network(options);
  ExportNetwork(model, options.form, network);
  OnnxModel file = network.model();
  file.metadata = MetadataProperties(options, model);
  WriteFileAtomic(path, [&](FileWriter& writer) { WriteOnnx(writer, file); });
}

}  // namespace headroom
