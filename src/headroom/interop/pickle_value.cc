// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/pickle_value.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

#include <cstring>

namespace headroom {
namespace {

constexpr std::int64_t kSmallInts = 256;

TensorShape RowMajorStride(const TensorShape& shape) {
  TensorShape stride(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) stride[i - 1] = stride[i] * shape[i];
  return stride;
}

}  // namespace

std::optional<std::int64_t> PickleNode::Int() const {
  if (const auto* value = As<std::int64_t>()) return *value;
  if (const auto* value = As<bool>()) return *value ? 1 : 0;
  return std::nullopt;
}

std::optional<double> PickleNode::Number() const {
  if (const auto* value = As<double>()) return *value;
  if (const auto value = Int()) return static_cast<double>(*value);
  return std::nullopt;
}

const PickleTensor* PickleNode::Tensor() const {
  const auto* tensor = As<std::unique_ptr<PickleTensor>>();
  return tensor != nullptr ? tensor->get() : nullptr;
}

bool PickleNode::Truthy() const {
  if (IsNone()) return false;
  if (const auto number = Number()) return *number != 0;
  if (const auto* text = Text()) return !text->empty();
  if (const auto* bytes = As<PickleBytes>()) return !bytes->bytes.empty();
  if (const auto* dict = As<PickleDict>()) return !dict->items.empty();
  if (As<PickleList>() != nullptr || As<PickleTuple>() != nullptr || As<PickleSet>() != nullptr) {
    return !Items().empty();
  }
  return true;
}

std::span<PickleNode* const> PickleNode::Items() const {
  if (const auto* list = As<PickleList>()) return list->items;
  if (const auto* tuple = As<PickleTuple>()) return tuple->items;
  if (const auto* set = As<PickleSet>()) return set->items;
  return {};
}

const PickleDict* PickleNode::Fields() const {
  if (const auto* dict = As<PickleDict>()) return dict;
  const auto* object = As<PickleObject>();
  return object != nullptr && object->state != nullptr ? object->state->As<PickleDict>() : nullptr;
}

const PickleNode* PickleNode::Find(std::string_view key) const {
  const PickleDict* fields = Fields();
  if (fields == nullptr) return nullptr;
  for (auto item = fields->items.rbegin(); item != fields->items.rend(); ++item) {
    const std::string* text = item->first->Text();
    if (text != nullptr && *text == key) return item->second;
  }
  return nullptr;
}

const PickleNode* PickleNode::Find(std::initializer_list<std::string_view> path) const {
  const PickleNode* node = this;
  for (const std::string_view key : path) {
    node = node->Find(key);
    if (node == nullptr) return nullptr;
  }
  return node;
}

std::string_view PickleNode::KindName() const {
  static constexpr std::string_view kNames[] = {"None",   "bool",   "int",     "float", "str",
                                                "bytes",  "list",   "tuple",   "set",   "dict",
                                                "global", "object", "storage", "tensor"};
  static_assert(std::size(kNames) == std::variant_size_v<Value>);
  const auto* object = As<PickleObject>();
  return object != nullptr ? object->type->name : kNames[value_.index()];
}

PickleNode* PickleHeap::New(PickleNode::Value value) {
  return &nodes_.emplace_back(std::move(value));
}

PickleNode* PickleHeap::None() {
  if (none_ == nullptr) none_ = New(PickleNone{});
  return none_;
}

PickleNode* PickleHeap::Bool(bool value) {
  if (bools_.empty()) bools_ = {New(false), New(true)};
  return bools_[value ? 1 : 0];
}

PickleNode* PickleHeap::Int(std::int64_t value) {
  if (value < 0 || value >= kSmallInts) return New(value);
  if (small_ints_.empty()) {
    for (std::int64_t i = 0; i < kSmallInts; ++i) small_ints_.push_back(New(i));
  }
  return small_ints_[static_cast<std::size_t>(value)];
}

PickleNode* PickleHeap::Tuple(PickleItems items) {
  if (!items.empty()) return New(PickleTuple{.items = std::move(items)});
  if (empty_tuple_ == nullptr) empty_tuple_ = New(PickleTuple{});
  return empty_tuple_;
}

PickleNode* PickleHeap::IntTuple(std::span<const std::int64_t> values) {
  PickleItems items;
  for (const std::int64_t value : values) items.push_back(Int(value));
  return Tuple(std::move(items));
}

PickleNode* PickleHeap::IntList(std::span<const std::int64_t> values) {
  PickleItems items;
  for (const std::int64_t value : values) items.push_back(Int(value));
  return List(std::move(items));
}

PickleNode* PickleHeap::Tensor(const TensorData& tensor, std::optional<DataType> written_as) {
  auto value = std::make_unique<PickleTensor>();
  value->storage = {tensor.type(), tensor.bytes()};
  value->shape = tensor.shape();
  value->stride = RowMajorStride(tensor.shape());
  value->written_as = written_as;
  return New(std::move(value));
}

PickleNode* PickleHeap::Tensor(TensorData&& tensor) {
  return Tensor(tensors_.emplace_back(std::move(tensor)));
}

PickleNode* PickleHeap::Parameter(const TensorData& tensor, std::optional<DataType> written_as) {
  PickleNode* node = Tensor(tensor, written_as);
  (*node->As<std::unique_ptr<PickleTensor>>())->is_parameter = true;
  return node;
}

PickleNode* PickleHeap::Object(std::string_view module, std::string_view name, PickleNode* state) {
  const KnownGlobal* type = FindGlobal(module, name);
  HEADROOM_CHECK(type != nullptr, fmt::format("{}.{} is not a known class", module, name));
  return New(PickleObject{.type = type, .arguments = nullptr, .state = state});
}

void PickleHeap::Set(PickleNode* dict, std::string_view key, PickleNode* value) {
  auto* fields = dict->As<PickleDict>();
  HEADROOM_CHECK(fields != nullptr, fmt::format("Set on a {}", dict->KindName()));
  for (auto& [name, old] : fields->items) {
    if (name->Text() != nullptr && *name->Text() == key) {
      old = value;
      return;
    }
  }
  fields->items.emplace_back(Text(key), value);
}

bool IsRowMajor(const PickleTensor& tensor) {
  std::int64_t expected = 1;
  for (std::size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.stride[i] != expected) return false;
    expected *= tensor.shape[i];
  }
  return true;
}

TensorData Contiguous(const PickleTensor& tensor) {
  const std::size_t element = ElementSize(tensor.storage.type);
  const auto count = ElementCount(tensor.shape);
  HEADROOM_CHECK(count.has_value(), "a tensor's shape was not checked");
  const auto size = static_cast<std::size_t>(*count) * element;
  if (size == 0) return TensorData::View(tensor.storage.type, tensor.shape, {});
  const auto start = static_cast<std::size_t>(tensor.offset) * element;
  if (IsRowMajor(tensor)) {
    return TensorData::View(tensor.storage.type, tensor.shape,
                            tensor.storage.bytes.subspan(start, size));
  }
  std::vector<std::byte> bytes(size);
  TensorShape index(tensor.shape.size(), 0);
  for (std::size_t done = 0; done < size; done += element) {
    std::int64_t at = tensor.offset;
    for (std::size_t i = 0; i < index.size(); ++i) at += index[i] * tensor.stride[i];
    std::memcpy(&bytes[done], &tensor.storage.bytes[static_cast<std::size_t>(at) * element],
                element);
    for (std::size_t i = index.size(); i-- > 0 && ++index[i] == tensor.shape[i];) index[i] = 0;
  }
  return TensorData::Own(tensor.storage.type, tensor.shape, std::move(bytes));
}

}  // namespace headroom
