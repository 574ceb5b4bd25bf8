// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/pickle_writer.h"

#include "headroom/core/check.h"
#include "headroom/interop/pickle_opcodes.h"

#include <fmt/format.h>

#include <bit>
#include <limits>
#include <map>
#include <unordered_map>

namespace headroom {
namespace {

constexpr std::size_t kLongestShared = 64;
constexpr int kMostNested = 256;  // As the reader accepts.

class Writer {
 public:
  Pickled Run(const PickleNode& root) {
    Op(PickleOp::kProto);
    Unsigned(2, 1);
    Node(root);
    Op(PickleOp::kStop);
    return std::move(out_);
  }

 private:
  void Op(PickleOp op) { out_.text.push_back(static_cast<char>(op)); }
  void Unsigned(std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i)
      out_.text.push_back(static_cast<char>(value >> (8 * i)));
  }

  std::uint32_t Put() {
    const std::uint32_t index = next_memo_++;
    const bool is_short = index < 256;
    Op(is_short ? PickleOp::kBinPut : PickleOp::kLongBinPut);
    Unsigned(index, is_short ? 1 : 4);
    return index;
  }
  void Get(std::uint32_t index) {
    const bool is_short = index < 256;
    Op(is_short ? PickleOp::kBinGet : PickleOp::kLongBinGet);
    Unsigned(index, is_short ? 1 : 4);
  }
  void Remember(const PickleNode& node) { nodes_.emplace(&node, Put()); }

  void Int(std::int64_t value) {
    if (value >= 0 && value < 256) {
      Op(PickleOp::kBinInt1);
      Unsigned(static_cast<std::uint64_t>(value), 1);
    } else if (value >= 0 && value < 65536) {
      Op(PickleOp::kBinInt2);
      Unsigned(static_cast<std::uint64_t>(value), 2);
    } else if (value == static_cast<std::int32_t>(value)) {
      Op(PickleOp::kBinInt);
      Unsigned(static_cast<std::uint64_t>(value), 4);
    } else {
      Op(PickleOp::kLong1);
      Unsigned(8, 1);
      Unsigned(static_cast<std::uint64_t>(value), 8);
    }
  }

  void Text(const std::string& text) {
    if (const auto known = texts_.find(text); known != texts_.end()) return Get(known->second);
    HEADROOM_CHECK(text.size() <= std::numeric_limits<std::uint32_t>::max(), "a text above 4 GiB");
    Op(PickleOp::kBinUnicode);
    Unsigned(text.size(), 4);
    out_.text += text;
    if (text.size() < kLongestShared) texts_.emplace(text, Put());
  }

  // Protocol 2 has no bytes: they are Latin-1 text that _codecs.encode turns back.
  void Bytes(const std::string& bytes) {
    std::string text;
    for (const char c : bytes) {
      const auto value = static_cast<unsigned char>(c);
      if (value < 0x80) {
        text.push_back(c);
      } else {
        text.push_back(static_cast<char>(0xC0U | (value >> 6)));
        text.push_back(static_cast<char>(0x80U | (value & 0x3FU)));
      }
    }
    Global("_codecs", "encode");
    Text(text);
    Text("latin1");
    Op(PickleOp::kTuple2);
    Op(PickleOp::kReduce);
  }

  void Global(std::string_view module, std::string_view name) {
    const std::string key = fmt::format("{}\n{}\n", module, name);
    if (const auto known = globals_.find(key); known != globals_.end()) return Get(known->second);
    Op(PickleOp::kGlobal);
    out_.text += key;
    globals_.emplace(key, Put());
  }

  // Elements between MARK and the closing operation; nothing when there are none.
  void Elements(std::span<PickleNode* const> items, PickleOp close) {
    if (items.empty()) return;
    Op(PickleOp::kMark);
    for (const PickleNode* item : items) Node(*item);
    Op(close);
  }

  void Tuple(std::span<PickleNode* const> items) {
    if (items.empty()) return Op(PickleOp::kEmptyTuple);
    if (items.size() > 3) return Elements(items, PickleOp::kTuple);
    for (const PickleNode* item : items) Node(*item);
    constexpr PickleOp kTuples[] = {PickleOp::kTuple1, PickleOp::kTuple2, PickleOp::kTuple3};
    Op(kTuples[items.size() - 1]);
  }

  void Sizes(const TensorShape& sizes) {
    Op(PickleOp::kMark);
    for (const std::int64_t size : sizes) Int(size);
    Op(PickleOp::kTuple);
  }

  void EmptyOrderedDict() {
    Global("collections", "OrderedDict");
    Op(PickleOp::kEmptyTuple);
    Op(PickleOp::kReduce);
  }

  void Dict(const PickleDict& dict, const PickleNode& node) {
    dict.ordered ? EmptyOrderedDict() : Op(PickleOp::kEmptyDict);
    Remember(node);
    if (dict.items.empty()) return;
    Op(PickleOp::kMark);
    for (const auto& [key, value] : dict.items) {
      Node(*key);
      Node(*value);
    }
    Op(PickleOp::kSetItems);
  }

  void Set(const PickleSet& set) {
    Global("__builtin__", "set");
    Op(PickleOp::kEmptyList);
    Elements(set.items, PickleOp::kAppends);
    Op(PickleOp::kTuple1);
    Op(PickleOp::kReduce);
  }

  void Object(const PickleObject& object, const PickleNode& node) {
    Global(object.type->module, object.type->name);
    object.arguments != nullptr ? Tuple(object.arguments->Items()) : Op(PickleOp::kEmptyTuple);
    Op(PickleOp::kNewObj);
    Remember(node);
    if (object.state == nullptr) return;
    Node(*object.state);
    Op(PickleOp::kBuild);
  }

  std::size_t StorageKey(const PickleStorage& storage, DataType written_as) {
    const auto identity = std::tuple(storage.bytes.data(), storage.bytes.size(), written_as);
    // Empty storages have no address to be recognised by.
    if (!storage.bytes.empty()) {
      const auto [at, is_new] = storages_.emplace(identity, out_.storages.size());
      if (!is_new) return at->second;
    }
    out_.storages.push_back({storage, written_as});
    return out_.storages.size() - 1;
  }

  void Storage(const PickleStorage& storage, DataType written_as) {
    const KnownGlobal& type = StorageGlobal(written_as);
    Op(PickleOp::kMark);
    Text("storage");
    Global(type.module, type.name);
    Text(std::to_string(StorageKey(storage, written_as)));
    Text("cpu");
    Int(static_cast<std::int64_t>(storage.bytes.size() / ElementSize(storage.type)));
    Op(PickleOp::kTuple);
    Op(PickleOp::kBinPersId);
  }

  void Tensor(const PickleTensor& tensor) {
    if (tensor.is_parameter) Global("torch._utils", "_rebuild_parameter");
    Global("torch._utils", "_rebuild_tensor_v2");
    Op(PickleOp::kMark);
    Storage(tensor.storage, tensor.written_as.value_or(tensor.storage.type));
    Int(tensor.offset);
    Sizes(tensor.shape);
    Sizes(tensor.stride);
    Op(tensor.requires_grad && !tensor.is_parameter ? PickleOp::kNewTrue : PickleOp::kNewFalse);
    EmptyOrderedDict();
    Op(PickleOp::kTuple);
    Op(PickleOp::kReduce);
    if (!tensor.is_parameter) return;
    Op(tensor.requires_grad ? PickleOp::kNewTrue : PickleOp::kNewFalse);
    EmptyOrderedDict();
    Op(PickleOp::kTuple3);
    Op(PickleOp::kReduce);
  }

  void Size(const PickleTuple& tuple) {
    Global("torch", "Size");
    Tuple(tuple.items);
    Op(PickleOp::kTuple1);
    Op(PickleOp::kReduce);
  }

  // Values without identity: written again each time.
  bool Plain(const PickleNode& node) {
    if (node.IsNone()) {
      Op(PickleOp::kNone);
    } else if (const auto* flag = node.As<bool>()) {
      Op(*flag ? PickleOp::kNewTrue : PickleOp::kNewFalse);
    } else if (const auto* number = node.As<std::int64_t>()) {
      Int(*number);
    } else if (const auto* real = node.As<double>()) {
      Op(PickleOp::kBinFloat);
      Unsigned(__builtin_bswap64(std::bit_cast<std::uint64_t>(*real)), 8);
    } else if (const std::string* text = node.Text()) {
      Text(*text);
    } else if (const auto* global = node.As<const KnownGlobal*>()) {
      Global((*global)->module, (*global)->name);
    } else {
      return false;
    }
    return true;
  }

  void Node(const PickleNode& node) {
    if (Plain(node)) return;
    if (const auto known = nodes_.find(&node); known != nodes_.end()) return Get(known->second);
    HEADROOM_CHECK(++depth_ <= kMostNested, "values are nested too deeply, or contain themselves");
    if (const auto* dict = node.As<PickleDict>()) {
      Dict(*dict, node);
    } else if (const auto* object = node.As<PickleObject>()) {
      Object(*object, node);
    } else if (const auto* list = node.As<PickleList>()) {
      Op(PickleOp::kEmptyList);
      Remember(node);
      Elements(list->items, PickleOp::kAppends);
    } else {
      Immutable(node);
    }
    --depth_;
  }

  void Immutable(const PickleNode& node) {
    if (const auto* tuple = node.As<PickleTuple>()) {
      tuple->is_size ? Size(*tuple) : Tuple(tuple->items);
      if (tuple->items.empty()) return;
    } else if (const auto* set = node.As<PickleSet>()) {
      Set(*set);
    } else if (const auto* bytes = node.As<PickleBytes>()) {
      Bytes(bytes->bytes);
    } else if (const PickleTensor* tensor = node.Tensor()) {
      Tensor(*tensor);
    } else {
      HEADROOM_CHECK(false, fmt::format("a {} cannot be written", node.KindName()));
    }
    Remember(node);
  }

  Pickled out_;
  std::uint32_t next_memo_ = 0;
  int depth_ = 0;
  std::unordered_map<const PickleNode*, std::uint32_t> nodes_;
  std::unordered_map<std::string, std::uint32_t> texts_;
  std::unordered_map<std::string, std::uint32_t> globals_;
  std::map<std::tuple<const std::byte*, std::size_t, DataType>, std::size_t> storages_;
};

}  // namespace

Pickled WritePickle(const PickleNode& root) { return Writer().Run(root); }

}  // namespace headroom
