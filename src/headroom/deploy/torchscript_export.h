// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/export_options.h"

#include <filesystem>

namespace headroom {

// Writes the model as TorchScript, with the metadata in extra/config.txt: forward(images) takes
// [N, 3, H, W] RGB in [0, 1] and gives what ExportOutput says. LibTorch and Python's
// torch.jit.load read it. Holds a copy of the weights meanwhile. Throws WriteError; ConfigError for
// weights that fp16 cannot hold.
void ExportTorchScript(const std::filesystem::path& path, const Model& model,
                       const ExportOptions& options);

}  // namespace headroom
