// SPDX-License-Identifier: Apache-2.0
// What the globals of a pickle mean when they are called: names and values, never code.
#include "headroom/interop/pickle_machine.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

namespace headroom::internal {
namespace {

constexpr std::size_t kMostDimensions = 16;

bool ReadSizes(const PickleNode& node, TensorShape* sizes) {
  for (const PickleNode* item : node.Items()) {
    const auto size = item->Int();
    if (!size || *size < 0) return false;
    sizes->push_back(*size);
  }
  return node.As<PickleTuple>() != nullptr && sizes->size() <= kMostDimensions;
}

// Whether every element lies inside the storage, and no more of them than the storage has.
bool LiesInside(const PickleTensor& tensor) {
  const auto available =
      static_cast<std::int64_t>(tensor.storage.bytes.size() / ElementSize(tensor.storage.type));
  const auto count = ElementCount(tensor.shape);
  if (!count || *count > available || tensor.offset < 0 || tensor.offset > available) return false;
  if (*count == 0) return true;
  std::int64_t last = tensor.offset;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    std::int64_t step = 0;
    if (__builtin_mul_overflow(tensor.shape[i] - 1, tensor.stride[i], &step)) return false;
    if (__builtin_add_overflow(last, step, &last)) return false;
  }
  return last < available;
}

// Latin-1 code points back to bytes: each is one or two bytes of UTF-8.
bool DecodeLatin1(std::string_view text, std::string* bytes) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      bytes->push_back(text[i]);
    } else if ((lead == 0xC2 || lead == 0xC3) && i + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[++i]);
      bytes->push_back(static_cast<char>(((lead & 3U) << 6) | (next & 0x3FU)));
    } else {
      return false;
    }
  }
  return true;
}

template <typename T>
std::optional<T> LoadExactly(const std::string& bytes) {
  if (bytes.size() != sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

// A numpy scalar's bytes as a plain number; the dtype is "f8", "f4", "i8", "i4" or "b1".
PickleNode* NumpyNumber(std::string_view dtype, const std::string& bytes, PickleHeap& heap) {
  if (dtype == "f8") {
    if (const auto value = LoadExactly<double>(bytes)) return heap.Float(*value);
  } else if (dtype == "f4") {
    if (const auto value = LoadExactly<float>(bytes)) return heap.Float(*value);
  } else if (dtype == "i8") {
    if (const auto value = LoadExactly<std::int64_t>(bytes)) return heap.Int(*value);
  } else if (dtype == "i4") {
    if (const auto value = LoadExactly<std::int32_t>(bytes)) return heap.Int(*value);
  } else if (dtype == "b1") {
    if (const auto value = LoadExactly<std::uint8_t>(bytes)) return heap.Bool(*value != 0);
  }
  return nullptr;
}

}  // namespace

PickleMachine::Outcome PickleMachine::Object(PickleOp op) {
  const auto done = [](bool ok) { return ok ? Outcome::kDone : Outcome::kFailed; };
  std::string_view module;
  std::string_view name;
  switch (op) {
    case PickleOp::kGlobal:
      return done(TakeLine(&module) && TakeLine(&name) && PushGlobal(module, name));
    case PickleOp::kStackGlobal:
      return done(StackGlobal());
    case PickleOp::kBinPersId:
      return done(PersistentId());
    case PickleOp::kNewObj:
      return done(NewObject(false));
    case PickleOp::kNewObjEx:
      return done(NewObject(true));
    case PickleOp::kReduce:
      return done(Reduce());
    case PickleOp::kBuild:
      return done(Build());
    default:
      return Outcome::kOther;
  }
}

bool PickleMachine::PushGlobal(std::string_view module, std::string_view name) {
  constexpr std::size_t kLongestShown = 100;
  const KnownGlobal* global = FindGlobal(module, name);
  if (global == nullptr) {
    return Fail(
        fmt::format("it refers to {}.{}, which is not on the list of what a checkpoint may contain "
                    "(nothing of the file was executed)",
                    module.substr(0, kLongestShown), name.substr(0, kLongestShown)));
  }
  return Push(heap_.New(global));
}

bool PickleMachine::StackGlobal() {
  PickleNode* name = nullptr;
  PickleNode* module = nullptr;
  if (!Pop(&name) || !Pop(&module)) return false;
  if (name->Text() == nullptr || module->Text() == nullptr)
    return Fail("the pickle names a global without text");
  return PushGlobal(*module->Text(), *name->Text());
}

// ('storage', storage class, key, location, element count), as torch.save writes it.
bool PickleMachine::PersistentId() {
  PickleNode* id = nullptr;
  if (!Pop(&id)) return false;
  const auto items = id->Items();
  const bool shaped = items.size() == 5 && items[0]->Text() != nullptr &&
                      *items[0]->Text() == "storage" &&
                      items[1]->As<const KnownGlobal*>() != nullptr && items[2]->Text() != nullptr;
  if (!shaped) return Fail("the pickle has an external reference that is not a torch storage");
  const KnownGlobal& global = **items[1]->As<const KnownGlobal*>();
  const auto count = items[4]->Int();
  if (global.role != GlobalRole::kStorage || !count || *count < 0)
    return Fail("a storage is badly described");
  const auto bytes = storages_(*items[2]->Text());
  if (!bytes) return Fail(bytes.error());
  const std::size_t element = ElementSize(global.type);
  if (bytes->size() % element != 0 ||
      bytes->size() / element != static_cast<std::uint64_t>(*count)) {
    return Fail(fmt::format("storage {} has {} bytes for {} elements of {}", *items[2]->Text(),
                            bytes->size(), *count, Name(global.type)));
  }
  return Push(heap_.New(PickleStorage{.type = global.type, .bytes = *bytes}));
}

bool PickleMachine::NewObject(bool with_keywords) {
  PickleNode* keywords = nullptr;
  PickleNode* arguments = nullptr;
  PickleNode* type = nullptr;
  if ((with_keywords && !Pop(&keywords)) || !Pop(&arguments) || !Pop(&type)) return false;
  const auto* global = type->As<const KnownGlobal*>();
  if (global == nullptr) return Fail("the pickle makes an object of what is no class");
  return Call(**global, arguments);
}

bool PickleMachine::Reduce() {
  PickleNode* arguments = nullptr;
  PickleNode* function = nullptr;
  if (!Pop(&arguments) || !Pop(&function)) return false;
  const auto* global = function->As<const KnownGlobal*>();
  if (global == nullptr) return Fail("the pickle calls what is no function");
  return Call(**global, arguments);
}

bool PickleMachine::Build() {
  PickleNode* state = nullptr;
  PickleNode* target = nullptr;
  if (!Pop(&state) || !Top(&target)) return false;
  if (auto* object = target->As<PickleObject>()) {
    object->state = state;
    return true;
  }
  // An OrderedDict may carry attributes (_metadata of a state dict): nothing that we need.
  if (target->As<PickleDict>() != nullptr) return true;
  return Fail(fmt::format("the pickle gives a state to a {}", target->KindName()));
}

bool PickleMachine::Call(const KnownGlobal& global, PickleNode* arguments) {
  if (arguments->As<PickleTuple>() == nullptr)
    return Fail("the pickle calls without a tuple of arguments");
  const auto items = arguments->Items();
  switch (global.role) {
    case GlobalRole::kClass:
      return Push(heap_.New(PickleObject{&global, items.empty() ? nullptr : arguments, nullptr}));
    case GlobalRole::kOrderedDict:
      return CallOrderedDict(items);
    case GlobalRole::kSet:
      return CallSet(items);
    case GlobalRole::kTuple:
      return CallSize(items);
    case GlobalRole::kBytes:
      return CallBytes(items);
    case GlobalRole::kTensor:
      return CallTensor(items);
    case GlobalRole::kParameter:
      return CallParameter(items);
    case GlobalRole::kNumpyScalar:
      return CallNumpyScalar(items);
    case GlobalRole::kStorage:
    case GlobalRole::kIgnored:
      break;
  }
  return Fail(fmt::format("the pickle calls {}.{}", global.module, global.name));
}

bool PickleMachine::CallOrderedDict(std::span<PickleNode* const> arguments) {
  PickleDict dict{.items = {}, .ordered = true};
  // Old picklers give the items as one list of pairs; defaultdict's argument is its factory.
  const auto pairs = arguments.empty() ? std::span<PickleNode* const>() : arguments[0]->Items();
  if (!Spend(2 * pairs.size_bytes())) return false;
  for (const PickleNode* pair : pairs) {
    if (pair->Items().size() != 2) return Fail("an OrderedDict is badly described");
    dict.items.emplace_back(pair->Items()[0], pair->Items()[1]);
  }
  return Push(heap_.New(std::move(dict)));
}

bool PickleMachine::CallSize(std::span<PickleNode* const> arguments) {
  if (arguments.size() != 1) return Fail("torch.Size takes one argument");
  const auto items = arguments[0]->Items();
  return Spend(items.size_bytes()) &&
         Push(heap_.New(PickleTuple{{items.begin(), items.end()}, true}));
}

bool PickleMachine::CallSet(std::span<PickleNode* const> arguments) {
  if (arguments.size() > 1) return Fail("a set takes one argument");
  if (arguments.empty()) return Push(heap_.Set());
  const auto items = arguments[0]->Items();
  return Spend(items.size_bytes()) && Push(heap_.New(PickleSet{{items.begin(), items.end()}}));
}

bool PickleMachine::CallBytes(std::span<PickleNode* const> arguments) {
  const std::string* text = arguments.empty() ? nullptr : arguments[0]->Text();
  const std::string* encoding = arguments.size() == 2 ? arguments[1]->Text() : nullptr;
  std::string bytes;
  if (text != nullptr && !Spend(text->size())) return false;
  if (text == nullptr || encoding == nullptr || *encoding != "latin1" ||
      !DecodeLatin1(*text, &bytes)) {
    return Fail("bytes are badly described");
  }
  return Push(heap_.Bytes(bytes));
}

// (storage, offset, size, stride[, requires_grad, hooks])
bool PickleMachine::CallTensor(std::span<PickleNode* const> arguments) {
  const auto* storage = arguments.size() >= 4 ? arguments[0]->As<PickleStorage>() : nullptr;
  if (storage == nullptr) return Fail("a tensor is badly described");
  auto tensor = std::make_unique<PickleTensor>();
  tensor->storage = *storage;
  tensor->offset = arguments[1]->Int().value_or(-1);
  if (!ReadSizes(*arguments[2], &tensor->shape) || !ReadSizes(*arguments[3], &tensor->stride) ||
      tensor->shape.size() != tensor->stride.size()) {
    return Fail("a tensor's shape is badly described");
  }
  if (!LiesInside(*tensor)) {
    return Fail(fmt::format("a tensor of shape [{}] lies outside its storage of {} bytes",
                            fmt::join(tensor->shape, ", "), storage->bytes.size()));
  }
  tensor->requires_grad = arguments.size() > 4 && arguments[4]->Truthy();
  return Push(heap_.New(std::move(tensor)));
}

// (tensor, requires_grad, hooks)
bool PickleMachine::CallParameter(std::span<PickleNode* const> arguments) {
  const PickleTensor* data = arguments.empty() ? nullptr : arguments[0]->Tensor();
  if (data == nullptr) return Fail("a parameter is badly described");
  auto tensor = std::make_unique<PickleTensor>(*data);
  tensor->is_parameter = true;
  tensor->requires_grad = arguments.size() > 1 && arguments[1]->Truthy();
  return Push(heap_.New(std::move(tensor)));
}

// (dtype object, bytes)
bool PickleMachine::CallNumpyScalar(std::span<PickleNode* const> arguments) {
  const auto* dtype = arguments.size() == 2 ? arguments[0]->As<PickleObject>() : nullptr;
  const auto* bytes = arguments.size() == 2 ? arguments[1]->As<PickleBytes>() : nullptr;
  if (dtype == nullptr || bytes == nullptr || dtype->arguments == nullptr)
    return Fail("a number is badly described");
  const std::string* name = dtype->arguments->Items()[0]->Text();
  PickleNode* number = name != nullptr ? NumpyNumber(*name, bytes->bytes, heap_) : nullptr;
  if (number == nullptr) return Fail("a number of numpy has an unknown type");
  return Push(number);
}

}  // namespace headroom::internal
