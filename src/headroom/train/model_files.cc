// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/model_files.h"

#include "headroom/config/option_value.h"
#include "headroom/core/error.h"
#include "headroom/memory/tag_scope.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <span>

namespace headroom {
namespace {

std::span<const std::byte> BytesOf(const at::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

// Of the first class branch, plain or depth-wise: [classes, width, 1, 1]. Null without one.
const CheckpointTensor* LastClassConvolution(const CheckpointContents& file) {
  for (const CheckpointTensor& tensor : file.tensors) {
    if (tensor.name.find(".cv3.0.2.weight") != std::string::npos && tensor.data.shape().size() == 4)
      return &tensor;
  }
  return nullptr;
}

}  // namespace

NamedTensors::NamedTensors(const ParameterStore& store, const at::Tensor& values,
                           const at::Tensor& running) {
  const TagScope tag(MemoryTag::kCheckpoint);
  for (const ParameterStore::Entry& entry : store.entries()) {
    at::Tensor tensor;
    if (entry.kind == ParameterStore::EntryKind::kParameter) {
      tensor = store.ViewIn(values, entry.index);
    } else if (entry.kind == ParameterStore::EntryKind::kStatistic) {
      tensor = store.StatisticIn(running, entry.index);
    } else {
      tensor = at::scalar_tensor(store.batches_tracked, at::kLong);
    }
    kept_.push_back(tensor.cpu().contiguous());
    const at::Tensor& kept = kept_.back();
    data_.push_back(std::make_unique<TensorData>(
        TensorData::View(entry.kind == ParameterStore::EntryKind::kBatchCount ? DataType::kInt64
                                                                              : DataType::kFloat32,
                         kept.sizes().vec(), BytesOf(kept))));
    by_name_.emplace(entry.name, data_.back().get());
  }
}

Transfer CopyWeights(const CheckpointContents& file, Model& model) {
  Transfer transfer;
  ParameterStore& store = *model.parameters;
  for (const ParameterStore::Entry& entry : store.entries()) {
    ++transfer.all;
    const CheckpointTensor* found = file.Find(entry.name);
    if (found == nullptr) continue;
    if (entry.kind == ParameterStore::EntryKind::kBatchCount) {
      ++transfer.copied;
      continue;
    }
    const at::Tensor& target = entry.kind == ParameterStore::EntryKind::kParameter
                                   ? store.value(entry.index)
                                   : store.running_view(entry.index);
    if (found->data.shape() != target.sizes().vec()) continue;
    at::Tensor host = at::empty(target.sizes(), at::kFloat);
    CopyAsFloat(found->data,
                {host.mutable_data_ptr<float>(), static_cast<std::size_t>(host.numel())});
    target.copy_(host);
    ++transfer.copied;
  }
  file.ReleasePages();
  store.RefreshCompute();
  return transfer;
}

std::optional<std::int64_t> ClassWidthOf(const CheckpointContents& file) {
  const CheckpointTensor* last = LastClassConvolution(file);
  if (last == nullptr) return std::nullopt;
  return last->data.shape()[1];
}

std::int64_t ClassCountOf(const CheckpointContents& file) {
  if (file.class_count > 0) return file.class_count;
  if (const CheckpointTensor* last = LastClassConvolution(file)) return last->data.shape()[0];
  throw DataError("the weights have no detection head (no entry ...cv3.0.2.weight)");
}

std::string ToYamlText(const PickleNode& node) {
  if (node.IsNone()) return "null";
  if (const bool* flag = node.As<bool>()) return *flag ? "true" : "false";
  if (const std::string* text = node.Text()) return "\"" + *text + "\"";
  if (const double* real = node.As<double>()) return PythonFloat(*real);
  if (const auto integer = node.Int()) return fmt::format("{}", *integer);
  std::string text;
  if (const PickleDict* dict = node.As<PickleDict>()) {
    for (const auto& [key, value] : dict->items) {
      text +=
          fmt::format("{}{}: {}", text.empty() ? "" : ", ", ToYamlText(*key), ToYamlText(*value));
    }
    return "{" + text + "}";
  }
  for (const PickleNode* item : node.Items())
    text += (text.empty() ? "" : ", ") + ToYamlText(*item);
  return "[" + text + "]";
}

ModelConfig ConfigOf(const CheckpointContents& file, const std::string& path) {
  if (file.yaml == nullptr) {
    throw DataError(
        fmt::format("{} holds weights but no model; give the architecture too: model=yolo11n.yaml "
                    "pretrained={}",
                    path, path));
  }
  const PickleNode* name = file.yaml->Find("yaml_file");
  ModelConfig config;
  try {
    config = ParseModelYaml(ToYamlText(*file.yaml),
                            name != nullptr && name->Text() != nullptr ? *name->Text() : path);
  } catch (const ConfigError& error) {
    throw DataError(fmt::format("{}: the model that it holds: {}", path, error.what()));
  }
  config.source = path;
  for (ModelLayer& layer : config.layers) layer.line = 0;  // They are no lines of a file.
  config.modules = file.modules;
  config.reg_max = file.head.reg_max > 0 ? file.head.reg_max : config.reg_max;
  config.end2end = file.head.has_one_to_one;
  return config;
}

PickleNode* ValueNode(PickleHeap& heap, const OptionValue& value) {
  if (value.is_null()) return heap.None();
  if (value.is_bool()) return heap.Bool(value.AsBool());
  if (value.is_int()) return heap.Int(value.AsInt());
  if (value.is_float()) return heap.Float(value.AsDouble());
  if (value.is_list()) {
    PickleItems items;
    for (const OptionValue& item : value.AsList()) items.push_back(ValueNode(heap, item));
    return heap.List(std::move(items));
  }
  if (!value.is_dict()) return heap.Text(value.ToText());
  PickleNode* dict = heap.Dict();
  for (const auto& [key, item] : value.AsDict()) heap.Set(dict, key, ValueNode(heap, item));
  return dict;
}

PickleNode* YamlNode(PickleHeap& heap, const Model& model) {
  ModelConfig config = model.config;
  config.classes = static_cast<int>(model.options.classes);
  return ValueNode(heap, ModelDict(config));
}

PickleNode* FlatNode(PickleHeap& heap, const at::Tensor& flat) {
  return heap.Tensor(TensorData::View(DataType::kFloat32, flat.sizes().vec(), BytesOf(flat)));
}

bool ReadFlat(const PickleNode* node, at::Tensor& flat) {
  if (node == nullptr || node->Tensor() == nullptr) return false;
  const TensorData data = Contiguous(*node->Tensor());
  if (data.count() != flat.numel()) return false;
  const at::Tensor host = flat.is_cpu() ? flat : at::empty(flat.sizes(), at::kFloat);
  CopyAsFloat(data, {host.mutable_data_ptr<float>(), static_cast<std::size_t>(host.numel())});
  if (!flat.is_cpu()) flat.copy_(host);
  return true;
}

}  // namespace headroom
