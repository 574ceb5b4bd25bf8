// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/interop/pickle_opcodes.h"
#include "headroom/interop/pickle_reader.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::internal {

// The stack machine behind ReadPickle. Every step gives false when it fails, and the first reason
// is kept. Split over pickle_machine.cc (stack, memo, constants) and pickle_objects.cc (what
// globals mean when they are called).
class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> pickle, PickleHeap& heap, const StorageLookup& storages,
                const PickleReadOptions& options)
      : size_(pickle.size()), rest_(pickle), heap_(heap), storages_(storages), options_(options) {}

  // The root, or null with error() set.
  [[nodiscard]] PickleNode* Run();
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  enum class Outcome : std::uint8_t { kDone, kFailed, kOther };

  bool Fail(std::string text);
  bool Step(PickleOp op);
  Outcome Constant(PickleOp op);
  Outcome Text(PickleOp op);
  Outcome Memo(PickleOp op);
  Outcome Container(PickleOp op);
  Outcome Growth(PickleOp op);
  Outcome Object(PickleOp op);

  // Input.
  bool Take(std::size_t count, std::span<const std::byte>* bytes);
  bool TakeUnsigned(std::size_t width, std::uint64_t* value);
  bool TakeText(std::size_t width, std::string_view* text);
  bool TakeLine(std::string_view* line);

  // Stack. A pop never goes below the topmost mark.
  bool Push(PickleNode* node);
  bool Pop(PickleNode** node);
  bool Top(PickleNode** node);
  bool PopToMark(PickleItems* items);

  // Constants.
  bool PushInteger(std::size_t width);
  bool PushLong(std::size_t width);
  bool PushFloat();

  // Containers.
  bool PushTuple(std::size_t count);
  bool PushDict(const PickleItems& items);
  bool Append(const PickleItems& items);
  bool SetItems(const PickleItems& items);
  bool AddItems(const PickleItems& items);

  // Objects.
  bool PushGlobal(std::string_view module, std::string_view name);
  bool StackGlobal();
  bool PersistentId();
  bool NewObject(bool with_keywords);
  bool Reduce();
  bool Build();
  bool Call(const KnownGlobal& global, PickleNode* arguments);
  bool CallOrderedDict(std::span<PickleNode* const> arguments);
  bool CallSize(std::span<PickleNode* const> arguments);
  bool CallSet(std::span<PickleNode* const> arguments);
  bool CallBytes(std::span<PickleNode* const> arguments);
  bool CallTensor(std::span<PickleNode* const> arguments);
  bool CallParameter(std::span<PickleNode* const> arguments);
  bool CallNumpyScalar(std::span<PickleNode* const> arguments);

  // Counts bytes that a call copies out of a value which may be named again and again.
  bool Spend(std::size_t bytes);
  // Refuses cycles, excessive height and excessive expansion.
  bool Check(PickleNode* root);

  std::size_t size_;
  std::size_t spent_ = 0;
  std::span<const std::byte> rest_;
  PickleHeap& heap_;
  const StorageLookup& storages_;
  PickleReadOptions options_;
  std::vector<PickleNode*> stack_;
  std::vector<std::size_t> marks_;
  std::vector<PickleNode*> memo_;
  std::string error_;
};

}  // namespace headroom::internal
