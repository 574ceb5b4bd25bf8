// SPDX-License-Identifier: Apache-2.0
#include "headroom/testing_torch/golden.h"

#include "headroom/core/file.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <vector>

namespace headroom::testing {

TensorFile ReadTensorFile(const std::filesystem::path& path) {
  const std::string bytes = ReadFile(path).value();
  TensorFile file;
  const auto dict =
      torch::jit::pickle_load(std::vector<char>(bytes.begin(), bytes.end())).toGenericDict();
  for (const auto& item : dict) {
    file.order.push_back(item.key().toStringRef());
    file.tensors[file.order.back()] = item.value().toTensor();
  }
  return file;
}

}  // namespace headroom::testing
