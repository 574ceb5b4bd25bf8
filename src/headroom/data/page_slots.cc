// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/page_slots.h"

#include "headroom/core/check.h"
#include "headroom/core/error.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace headroom {
namespace {

Bytes PageSize() {
  static const Bytes size(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  return size;
}

}  // namespace

Bytes PageSlots::PageBytes(Bytes content) { return RoundUp(content, PageSize()); }

PageSlots::PageSlots(std::size_t count, Bytes slot_bytes)
    : count_(count), stride_(PageBytes(slot_bytes).count()), resident_(count, 0) {
  const Bytes total = Bytes::Of(count_, stride_);
  if (total == Bytes()) return;
  void* base = ::mmap(nullptr, total.count(), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    throw BudgetError(
        fmt::format("the system refuses {} of address space for pictures ({}); raise its limit "
                    "(ulimit -v) or use a smaller batch=",
                    ToString(total), std::strerror(errno)));
  }
  base_ = static_cast<std::uint8_t*>(base);
}

PageSlots::~PageSlots() {
  if (base_ != nullptr) ::munmap(base_, count_ * stride_);
}

void PageSlots::Trim(std::size_t i, Bytes kept) {
  const std::size_t end = PageBytes(kept).count();
  if (end >= resident_[i]) return;
  const int error = ::madvise(Slot(i) + end, resident_[i] - end, MADV_DONTNEED);
  HEADROOM_CHECK(error == 0, std::strerror(errno));
  resident_[i] = end;
}

void PageSlots::Use(std::size_t i, Bytes bytes) {
  HEADROOM_CHECK(bytes <= slot_bytes(),
                 fmt::format("{} in a place of {}", ToString(bytes), ToString(slot_bytes())));
  Trim(i, bytes);
  resident_[i] = std::max<std::size_t>(resident_[i], PageBytes(bytes).count());
}

}  // namespace headroom
