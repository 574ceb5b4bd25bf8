// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace headroom {

// Our own form of a model family (configs/models, docs/model-families.md) in the customary one:
//   sizes:              n: {depth, width, most} -> scales: {n: [depth, width, max_channels]}
//   backbone:, head:    NAME: {MODULE: [arguments], repeats: 2, with: NAME} -> [from, repeats,
//                       MODULE, arguments], with positions for names
// A layer reads the one before it; `with` adds named layers, `from` lists all of them by name.
// Other keys are kept. Throws ConfigError with file and line.
[[nodiscard]] std::string CustomaryModelYaml(const std::string& family, const std::string& name);

}  // namespace headroom
