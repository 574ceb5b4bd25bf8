// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/interop/pickle_globals.h"
#include "headroom/interop/tensor_data.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace headroom {

class PickleNode;
using PickleItems = std::vector<PickleNode*>;

struct PickleNone {};
struct PickleBytes {
  std::string bytes;
};
struct PickleList {
  PickleItems items;
};
struct PickleTuple {
  PickleItems items;
  bool is_size = false;  // A torch.Size.
};
struct PickleSet {
  PickleItems items;
};
struct PickleDict {
  std::vector<std::pair<PickleNode*, PickleNode*>>
      items;             // As written; the last of equal keys counts.
  bool ordered = false;  // A collections.OrderedDict.
};
struct PickleObject {
  const KnownGlobal* type = nullptr;
  PickleNode* arguments = nullptr;  // What its constructor was given, or null.
  PickleNode* state = nullptr;      // Usually a dict of its fields, or null.
};
// The bytes that tensors share, outside the pickle.
struct PickleStorage {
  DataType type = DataType::kFloat32;
  std::span<const std::byte> bytes;
};
// A strided window of a storage, in elements. What a reader gives has been checked to lie inside.
struct PickleTensor {
  PickleStorage storage;
  std::int64_t offset = 0;
  TensorShape shape;
  TensorShape stride;
  bool requires_grad = false;
  bool is_parameter = false;
  // Written in this type instead of the storage's: float16 of a float32 storage.
  std::optional<DataType> written_as;
};

// One value of a pickle. Nodes live in a PickleHeap and refer to one another by address: what is
// shared in the pickle is one node, and a pickle that was read has no cycles and a bounded depth
// and bounded expanded size, so that recursive readers need no care of their own.
class PickleNode {
 public:
  using Value = std::variant<PickleNone, bool, std::int64_t, double, std::string, PickleBytes,
                             PickleList, PickleTuple, PickleSet, PickleDict, const KnownGlobal*,
                             PickleObject, PickleStorage, std::unique_ptr<PickleTensor>>;

  explicit PickleNode(Value value) : value_(std::move(value)) {}

  [[nodiscard]] const Value& value() const { return value_; }
  [[nodiscard]] Value& value() { return value_; }
  template <typename T>
  [[nodiscard]] const T* As() const {
    return std::get_if<T>(&value_);
  }
  template <typename T>
  [[nodiscard]] T* As() {
    return std::get_if<T>(&value_);
  }

  [[nodiscard]] bool IsNone() const { return As<PickleNone>() != nullptr; }
  // Integers and bools; nothing for anything else.
  [[nodiscard]] std::optional<std::int64_t> Int() const;
  // Integers, bools and floats.
  [[nodiscard]] std::optional<double> Number() const;
  [[nodiscard]] const std::string* Text() const { return As<std::string>(); }
  [[nodiscard]] const PickleTensor* Tensor() const;
  // Python's truth: None, False, 0, "" and empty containers are false.
  [[nodiscard]] bool Truthy() const;
  // Elements of a list, tuple or set; empty for anything else.
  [[nodiscard]] std::span<PickleNode* const> Items() const;
  // The value of a dict's key, or of a field of an object whose state is a dict; null when absent.
  [[nodiscard]] const PickleNode* Find(std::string_view key) const;
  // The same along a path of keys.
  [[nodiscard]] const PickleNode* Find(std::initializer_list<std::string_view> path) const;
  // The dict itself or an object's state; null for anything else.
  [[nodiscard]] const PickleDict* Fields() const;
  // "str", "dict", "Conv": for messages.
  [[nodiscard]] std::string_view KindName() const;

  // For the reader's checks only.
  std::uint32_t height = 0;
  std::uint64_t expanded = 0;

 private:
  Value value_;
};

// Owns nodes at fixed addresses (moves keep them). Also the way to build values for a writer:
//   PickleNode* dict = heap.Dict();  heap.Set(dict, "lr", heap.Float(0.01));
// None, bools, small integers and the empty tuple are shared nodes: never change them in place.
class PickleHeap {
 public:
  PickleNode* New(PickleNode::Value value);
  PickleNode* None();
  PickleNode* Bool(bool value);
  PickleNode* Int(std::int64_t value);
  PickleNode* Float(double value) { return New(value); }
  PickleNode* Text(std::string_view value) { return New(std::string(value)); }
  PickleNode* Bytes(std::string_view value) { return New(PickleBytes{std::string(value)}); }
  PickleNode* List(PickleItems items = {}) { return New(PickleList{std::move(items)}); }
  PickleNode* Tuple(PickleItems items);
  PickleNode* IntTuple(std::span<const std::int64_t> values);
  PickleNode* IntList(std::span<const std::int64_t> values);
  PickleNode* Dict() { return New(PickleDict{}); }
  PickleNode* OrderedDict() { return New(PickleDict{.items = {}, .ordered = true}); }
  PickleNode* Set() { return New(PickleSet{}); }
  // A contiguous tensor; the bytes are not copied and must live until the pickle is written.
  PickleNode* Tensor(const TensorData& tensor, std::optional<DataType> written_as = std::nullopt);
  PickleNode* Parameter(const TensorData& tensor,
                        std::optional<DataType> written_as = std::nullopt);
  // The heap keeps the tensor.
  PickleNode* Tensor(TensorData&& tensor);
  // An instance of a known class made without arguments; state may be null.
  PickleNode* Object(std::string_view module, std::string_view name, PickleNode* state);

  // Appends to a dict, or replaces the value of an equal text key.
  void Set(PickleNode* dict, std::string_view key, PickleNode* value);

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

 private:
  std::deque<PickleNode> nodes_;
  std::deque<TensorData> tensors_;
  PickleNode* none_ = nullptr;
  PickleNode* empty_tuple_ = nullptr;
  std::vector<PickleNode*> bools_;
  std::vector<PickleNode*> small_ints_;
};

// Whether the elements lie in row-major order without gaps.
[[nodiscard]] bool IsRowMajor(const PickleTensor& tensor);
// The elements of a tensor in row-major order: a view of the storage where they lie so, else a copy
// (channels-last weights).
[[nodiscard]] TensorData Contiguous(const PickleTensor& tensor);

}  // namespace headroom
