// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace headroom::testing {

// The tensors of a plain dictionary that torch.save wrote; `order` is the order in the file.
struct TensorFile {
  std::map<std::string, at::Tensor> tensors;
  std::vector<std::string> order;
  [[nodiscard]] const at::Tensor& at(const std::string& name) const { return tensors.at(name); }
  [[nodiscard]] bool contains(const std::string& name) const { return tensors.contains(name); }
};
TensorFile ReadTensorFile(const std::filesystem::path& path);

}  // namespace headroom::testing
