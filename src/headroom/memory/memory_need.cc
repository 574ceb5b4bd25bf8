// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/memory_need.h"

#include <algorithm>

namespace headroom {
namespace {

NeedBasis Weaker(NeedBasis a, NeedBasis b) { return std::max(a, b); }

std::size_t Index(MemoryTag tag) { return static_cast<std::size_t>(tag); }
std::size_t Index(MemoryPlace place) { return static_cast<std::size_t>(place); }

}  // namespace

std::string_view Name(NeedBasis basis) {
  switch (basis) {
    case NeedBasis::kExact:
      return "exact";
    case NeedBasis::kMeasured:
      return "measured";
    case NeedBasis::kAssumed:
      return "assumed";
  }
  return "";
}

MemoryNeed& MemoryNeed::Add(MemoryTag tag, Bytes bytes, NeedBasis basis, MemoryPlace place) {
  Row& row = rows_[Index(place)][Index(tag)];
  row.bytes += bytes;
  if (bytes > Bytes()) row.basis = Weaker(row.basis, basis);
  return *this;
}

MemoryNeed& MemoryNeed::operator+=(const MemoryNeed& other) {
  for (std::size_t place = 0; place < kMemoryPlaceCount; ++place) {
    for (std::size_t tag = 0; tag < kMemoryTagCount; ++tag) {
      const Row& row = other.rows_[place][tag];
      Add(static_cast<MemoryTag>(tag), row.bytes, row.basis, static_cast<MemoryPlace>(place));
    }
  }
  return *this;
}

MemoryNeed MemoryNeed::Max(const MemoryNeed& a, const MemoryNeed& b) {
  MemoryNeed result;
  for (std::size_t place = 0; place < kMemoryPlaceCount; ++place) {
    for (std::size_t tag = 0; tag < kMemoryTagCount; ++tag) {
      const Row& row_a = a.rows_[place][tag];
      const Row& row_b = b.rows_[place][tag];
      result.rows_[place][tag] = {std::max(row_a.bytes, row_b.bytes),
                                  Weaker(row_a.basis, row_b.basis)};
    }
  }
  return result;
}

const MemoryNeed::Row& MemoryNeed::row(MemoryTag tag, MemoryPlace place) const {
  return rows_[Index(place)][Index(tag)];
}

Bytes MemoryNeed::Total(MemoryPlace place) const {
  Bytes total;
  for (const Row& row : rows_[Index(place)]) total += row.bytes;
  return total;
}

}  // namespace headroom
