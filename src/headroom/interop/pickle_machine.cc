// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/pickle_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace headroom::internal {
namespace {

// How far a pickle may expand by naming the same values again: real ones stay below 8.
constexpr std::size_t kLargestExpansion = 64;

// A node whose check is under way has this height.
constexpr std::uint32_t kInProgress = std::numeric_limits<std::uint32_t>::max();

template <typename Visit>
void ForEachChild(const PickleNode& node, Visit visit) {
  for (PickleNode* item : node.Items()) visit(item);
  if (const auto* dict = node.As<PickleDict>()) {
    for (const auto& [key, value] : dict->items) {
      visit(key);
      visit(value);
    }
  } else if (const auto* object = node.As<PickleObject>()) {
    if (object->arguments != nullptr) visit(object->arguments);
    if (object->state != nullptr) visit(object->state);
  }
}

std::uint64_t OwnSize(const PickleNode& node) {
  if (const std::string* text = node.Text()) return 1 + text->size();
  const auto* bytes = node.As<PickleBytes>();
  return bytes != nullptr ? 1 + bytes->bytes.size() : 1;
}

// Height and expanded size of a node whose children are known; false when a child is in progress,
// which is a cycle.
bool Measure(PickleNode* node) {
  std::uint32_t height = 0;
  std::uint64_t expanded = OwnSize(*node);
  bool cycle = false;
  ForEachChild(*node, [&](const PickleNode* child) {
    cycle |= child->height == kInProgress;
    height = std::max(height, child->height);
    expanded += std::min(child->expanded, std::uint64_t{1} << 40);
  });
  node->height = height + 1;
  node->expanded = expanded;
  return !cycle;
}

}  // namespace

bool PickleMachine::Fail(std::string text) {
  if (error_.empty()) error_ = std::move(text);
  return false;
}

PickleNode* PickleMachine::Run() {
  while (true) {
    std::uint64_t byte = 0;
    if (!TakeUnsigned(1, &byte)) return nullptr;
    const auto op = static_cast<PickleOp>(byte);
    if (op == PickleOp::kStop) break;
    if (!Step(op)) return nullptr;
    if (heap_.size() > options_.most_nodes) {
      Fail(fmt::format("the pickle has more than {} values", options_.most_nodes));
      return nullptr;
    }
  }
  if (!marks_.empty()) {
    Fail("the pickle ends inside a container");
    return nullptr;
  }
  PickleNode* root = nullptr;
  if (!Pop(&root) || !Check(root)) return nullptr;
  return root;
}

bool PickleMachine::Step(PickleOp op) {
  using Handler = Outcome (PickleMachine::*)(PickleOp);
  static constexpr Handler kHandlers[] = {&PickleMachine::Memo,      &PickleMachine::Constant,
                                          &PickleMachine::Container, &PickleMachine::Text,
                                          &PickleMachine::Object,    &PickleMachine::Growth};
  for (const Handler handler : kHandlers) {
    const Outcome outcome = (this->*handler)(op);
    if (outcome != Outcome::kOther) return outcome == Outcome::kDone;
  }
  return Fail(fmt::format("the pickle uses operation 0x{:02x}, which no checkpoint needs",
                          static_cast<int>(op)));
}

PickleMachine::Outcome PickleMachine::Constant(PickleOp op) {
  const auto done = [](bool ok) { return ok ? Outcome::kDone : Outcome::kFailed; };
  switch (op) {
    case PickleOp::kNone:
      return done(Push(heap_.None()));
    case PickleOp::kNewTrue:
      return done(Push(heap_.Bool(true)));
    case PickleOp::kNewFalse:
      return done(Push(heap_.Bool(false)));
    case PickleOp::kBinInt1:
      return done(PushInteger(1));
    case PickleOp::kBinInt2:
      return done(PushInteger(2));
    case PickleOp::kBinInt:
      return done(PushInteger(4));
    case PickleOp::kLong1:
      return done(PushLong(1));
    case PickleOp::kLong4:
      return done(PushLong(4));
    case PickleOp::kBinFloat:
      return done(PushFloat());
    default:
      return Outcome::kOther;
  }
}

PickleMachine::Outcome PickleMachine::Text(PickleOp op) {
  std::size_t width = 0;
  switch (op) {
    case PickleOp::kShortBinUnicode:
    case PickleOp::kShortBinString:
    case PickleOp::kShortBinBytes:
      width = 1;
      break;
    case PickleOp::kBinUnicode:
    case PickleOp::kBinString:
    case PickleOp::kBinBytes:
      width = 4;
      break;
    case PickleOp::kBinUnicode8:
    case PickleOp::kBinBytes8:
      width = 8;
      break;
    default:
      return Outcome::kOther;
  }
  std::string_view text;
  if (!TakeText(width, &text)) return Outcome::kFailed;
  const bool is_bytes =
      op == PickleOp::kShortBinBytes || op == PickleOp::kBinBytes || op == PickleOp::kBinBytes8;
  Push(is_bytes ? heap_.Bytes(text) : heap_.Text(text));
  return Outcome::kDone;
}

PickleMachine::Outcome PickleMachine::Memo(PickleOp op) {
  const bool short_index = op == PickleOp::kBinPut || op == PickleOp::kBinGet;
  const bool puts =
      op == PickleOp::kBinPut || op == PickleOp::kLongBinPut || op == PickleOp::kMemoize;
  const bool gets = op == PickleOp::kBinGet || op == PickleOp::kLongBinGet;
  if (!puts && !gets) return Outcome::kOther;
  std::uint64_t index = memo_.size();
  if (op != PickleOp::kMemoize && !TakeUnsigned(short_index ? 1 : 4, &index))
    return Outcome::kFailed;
  PickleNode* node = nullptr;
  if (gets) {
    if (index < memo_.size()) node = memo_[index];
    const bool found =
        node != nullptr ? Push(node) : Fail(fmt::format("the pickle has no memo {}", index));
    return found ? Outcome::kDone : Outcome::kFailed;
  }
  // Picklers count up from 0 (an old one from 1): an index far ahead would only waste memory.
  if (index > memo_.size() + 1) {
    Fail(fmt::format("memo {} follows memo {}", index, memo_.size()));
    return Outcome::kFailed;
  }
  if (!Top(&node)) return Outcome::kFailed;
  if (index >= memo_.size()) memo_.resize(index + 1, nullptr);
  memo_[index] = node;
  return Outcome::kDone;
}

PickleMachine::Outcome PickleMachine::Container(PickleOp op) {
  const auto done = [](bool ok) { return ok ? Outcome::kDone : Outcome::kFailed; };
  PickleItems items;
  PickleNode* node = nullptr;
  switch (op) {
    case PickleOp::kMark:
      marks_.push_back(stack_.size());
      return Outcome::kDone;
    case PickleOp::kEmptyList:
      return done(Push(heap_.List()));
    case PickleOp::kEmptyDict:
      return done(Push(heap_.Dict()));
    case PickleOp::kEmptySet:
      return done(Push(heap_.Set()));
    case PickleOp::kEmptyTuple:
      return done(Push(heap_.Tuple({})));
    case PickleOp::kTuple1:
      return done(PushTuple(1));
    case PickleOp::kTuple2:
      return done(PushTuple(2));
    case PickleOp::kTuple3:
      return done(PushTuple(3));
    case PickleOp::kTuple:
      return done(PopToMark(&items) && Push(heap_.Tuple(std::move(items))));
    case PickleOp::kList:
      return done(PopToMark(&items) && Push(heap_.List(std::move(items))));
    case PickleOp::kDict:
      return done(PopToMark(&items) && PushDict(items));
    case PickleOp::kFrozenSet:
      return done(PopToMark(&items) && Push(heap_.New(PickleSet{std::move(items)})));
    case PickleOp::kPop:
      return done(Pop(&node));
    case PickleOp::kPopMark:
      return done(PopToMark(&items));
    case PickleOp::kDup:
      return done(Top(&node) && Push(node));
    default:
      return Outcome::kOther;
  }
}

PickleMachine::Outcome PickleMachine::Growth(PickleOp op) {
  const auto done = [](bool ok) { return ok ? Outcome::kDone : Outcome::kFailed; };
  PickleItems items;
  PickleNode* key = nullptr;
  PickleNode* value = nullptr;
  std::uint64_t ignored = 0;
  switch (op) {
    case PickleOp::kAppend:
      return done(Pop(&value) && Append({value}));
    case PickleOp::kAppends:
      return done(PopToMark(&items) && Append(items));
    case PickleOp::kSetItem:
      return done(Pop(&value) && Pop(&key) && SetItems({key, value}));
    case PickleOp::kSetItems:
      return done(PopToMark(&items) && SetItems(items));
    case PickleOp::kAddItems:
      return done(PopToMark(&items) && AddItems(items));
    case PickleOp::kProto:
      return done(TakeUnsigned(1, &ignored));
    case PickleOp::kFrame:
      return done(TakeUnsigned(8, &ignored));
    default:
      return Outcome::kOther;
  }
}

bool PickleMachine::Take(std::size_t count, std::span<const std::byte>* bytes) {
  if (count > rest_.size()) return Fail("the pickle ends early");
  *bytes = rest_.first(count);
  rest_ = rest_.subspan(count);
  return true;
}

bool PickleMachine::TakeUnsigned(std::size_t width, std::uint64_t* value) {
  std::span<const std::byte> bytes;
  if (!Take(width, &bytes)) return false;
  *value = 0;
  for (std::size_t i = 0; i < width; ++i)
    *value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  return true;
}

bool PickleMachine::TakeText(std::size_t width, std::string_view* text) {
  std::uint64_t size = 0;
  std::span<const std::byte> bytes;
  if (!TakeUnsigned(width, &size) || !Take(size, &bytes)) return false;
  *text = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  return true;
}

bool PickleMachine::TakeLine(std::string_view* line) {
  const std::string_view text(reinterpret_cast<const char*>(rest_.data()), rest_.size());
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return Fail("the pickle ends early");
  *line = text.substr(0, end);
  rest_ = rest_.subspan(end + 1);
  return true;
}

bool PickleMachine::Push(PickleNode* node) {
  stack_.push_back(node);
  return true;
}

bool PickleMachine::Top(PickleNode** node) {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) return Fail("the pickle takes a value that is not there");
  *node = stack_.back();
  return true;
}

bool PickleMachine::Pop(PickleNode** node) {
  if (!Top(node)) return false;
  stack_.pop_back();
  return true;
}

bool PickleMachine::PopToMark(PickleItems* items) {
  if (marks_.empty()) return Fail("the pickle closes what was not opened");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  items->assign(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return true;
}

bool PickleMachine::PushInteger(std::size_t width) {
  std::uint64_t value = 0;
  if (!TakeUnsigned(width, &value)) return false;
  // Only the widest of the three is signed.
  const auto number =
      width == 4 ? static_cast<std::int32_t>(value) : static_cast<std::int64_t>(value);
  return Push(heap_.Int(number));
}

bool PickleMachine::PushLong(std::size_t width) {
  std::uint64_t size = 0;
  std::span<const std::byte> bytes;
  if (!TakeUnsigned(width, &size) || !Take(size, &bytes)) return false;
  if (size > 8) return Fail("the pickle has an integer of more than 64 bits");
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  const bool negative = size > 0 && (bytes.back() & std::byte{0x80}) != std::byte{0};
  if (negative && size < 8) value |= ~std::uint64_t{0} << (8 * size);
  return Push(heap_.Int(static_cast<std::int64_t>(value)));
}

bool PickleMachine::PushFloat() {
  std::uint64_t little = 0;
  if (!TakeUnsigned(8, &little)) return false;
  return Push(heap_.Float(std::bit_cast<double>(__builtin_bswap64(little))));
}

bool PickleMachine::PushTuple(std::size_t count) {
  PickleItems items(count);
  for (std::size_t i = count; i-- > 0;) {
    if (!Pop(&items[i])) return false;
  }
  return Push(heap_.Tuple(std::move(items)));
}

bool PickleMachine::PushDict(const PickleItems& items) {
  return Push(heap_.Dict()) && SetItems(items);
}

bool PickleMachine::Append(const PickleItems& items) {
  PickleNode* target = nullptr;
  if (!Top(&target)) return false;
  auto* list = target->As<PickleList>();
  if (list == nullptr) return Fail(fmt::format("the pickle appends to a {}", target->KindName()));
  list->items.insert(list->items.end(), items.begin(), items.end());
  return true;
}

bool PickleMachine::SetItems(const PickleItems& items) {
  PickleNode* target = nullptr;
  if (!Top(&target)) return false;
  auto* dict = target->As<PickleDict>();
  if (dict == nullptr)
    return Fail(fmt::format("the pickle sets items of a {}", target->KindName()));
  if (items.size() % 2 != 0) return Fail("the pickle has a key without a value");
  for (std::size_t i = 0; i < items.size(); i += 2)
    dict->items.emplace_back(items[i], items[i + 1]);
  return true;
}

bool PickleMachine::AddItems(const PickleItems& items) {
  PickleNode* target = nullptr;
  if (!Top(&target)) return false;
  auto* set = target->As<PickleSet>();
  if (set == nullptr) return Fail(fmt::format("the pickle adds to a {}", target->KindName()));
  set->items.insert(set->items.end(), items.begin(), items.end());
  return true;
}

bool PickleMachine::Spend(std::size_t bytes) {
  spent_ += bytes;
  return spent_ <= kLargestExpansion * size_ || Fail("the pickle repeats itself too often");
}

// Depth first with a stack of its own, since the nesting is not known to be bounded yet. A node
// comes up twice: before its children, when it is marked in progress, and after them, when it is
// measured.
bool PickleMachine::Check(PickleNode* root) {
  const std::uint64_t most_expanded = kLargestExpansion * size_ + (1 << 20);
  std::vector<PickleNode*> pending = {root};
  while (!pending.empty()) {
    PickleNode* node = pending.back();
    if (node->height == 0) {
      node->height = kInProgress;
      ForEachChild(*node, [&](PickleNode* child) {
        if (child->height == 0) pending.push_back(child);
      });
      continue;
    }
    pending.pop_back();
    if (node->height != kInProgress) continue;
    if (!Measure(node)) return Fail("the pickle contains itself");
    if (node->height > options_.most_height) return Fail("the pickle is nested too deeply");
    if (node->expanded > most_expanded) return Fail("the pickle repeats itself too often");
  }
  return true;
}

}  // namespace headroom::internal
