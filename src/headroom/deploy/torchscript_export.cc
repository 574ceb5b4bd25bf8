// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/torchscript_export.h"

#include "headroom/core/file.h"
#include "headroom/deploy/export_metadata.h"
#include "headroom/deploy/torchscript_network.h"

#include <torch/csrc/jit/serialization/export.h>

namespace headroom {

void ExportTorchScript(const std::filesystem::path& path, const Model& model,
                       const ExportOptions& options) {
  TorchScriptNetwork network(options);
  ExportNetwork(model, options.form, network);
  const torch::jit::Module module = network.Finish();
  WriteFileAtomic(path, [&](FileWriter& file) {
    torch::jit::ExportModule(module,
                             [&](const void* data, std::size_t size) {
                               file.Write(data, size);
                               return size;
                             },
                             {{"config.txt", MetadataJson(options, model)}});
  });
}

}  // namespace headroom
