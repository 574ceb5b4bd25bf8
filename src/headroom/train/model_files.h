// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/option_value.h"
#include "headroom/interop/pickle_value.h"
#include "headroom/interop/ultralytics_checkpoint.h"
#include "headroom/interop/ultralytics_writer.h"
#include "headroom/nn/model.h"

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace headroom {

// A model's numbers as contiguous tensors under their state-dict names, in the reference's order of
// elements: what a checkpoint holds. Keeps the memory that it refers to.
class NamedTensors {
 public:
  // Copies `values` and `running` (flat arrays laid out as the store's): 4 bytes an element.
  NamedTensors(const ParameterStore& store, const at::Tensor& values, const at::Tensor& running);
  [[nodiscard]] const TensorsByName& by_name() const { return by_name_; }

 private:
  std::vector<at::Tensor> kept_;
  std::vector<std::unique_ptr<TensorData>> data_;
  TensorsByName by_name_;
};

// How many entries of a file fitted.
struct Transfer {
  int copied = 0;
  int all = 0;
};
// Copies entries of equal name and shape into the model.
Transfer CopyWeights(const CheckpointContents& file, Model& model);

// The model YAML that a checkpoint carries.
[[nodiscard]] ModelConfig ConfigOf(const CheckpointContents& file, const std::string& path);
// Classes of the file's head, also of a plain state dict. Throws DataError when it has no head.
[[nodiscard]] std::int64_t ClassCountOf(const CheckpointContents& file);
// Hidden width of the class branch of the file's head, if it has one.
[[nodiscard]] std::optional<std::int64_t> ClassWidthOf(const CheckpointContents& file);
// A value under a pickle: lists and dicts as Python's.
[[nodiscard]] PickleNode* ValueNode(PickleHeap& heap, const OptionValue& value);
// The model YAML as the dict that the reference stores.
[[nodiscard]] PickleNode* YamlNode(PickleHeap& heap, const Model& model);
// Python-like text of a value, for YAML.
[[nodiscard]] std::string ToYamlText(const PickleNode& node);

// A flat fp32 tensor of the host under a pickle, and back. The tensor must outlive the writing.
[[nodiscard]] PickleNode* FlatNode(PickleHeap& heap, const at::Tensor& flat);
// False when the node is missing or of another length.
[[nodiscard]] bool ReadFlat(const PickleNode* node, at::Tensor& flat);

}  // namespace headroom
