// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/onnx_export.h"

#include "headroom/core/error.h"
#include "headroom/deploy/export_metadata.h"
#include "headroom/deploy/onnx_network.h"

#include <fmt/format.h>

namespace headroom {

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
