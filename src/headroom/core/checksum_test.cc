// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/checksum.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace headroom {
namespace {

std::uint64_t Sum(std::string_view text) { return Checksum64(text.data(), text.size()); }

TEST(Checksum64, IsXxh64) {
  EXPECT_EQ(Sum(""), 0xEF46DB3751D8E999ULL);
  EXPECT_EQ(Sum("a"), 0xD24EC4F1A98C6E5BULL);
  EXPECT_EQ(Sum("abc"), 0x44BC2CF5AD770999ULL);
  EXPECT_EQ(Sum("The quick brown fox jumps over the lazy dog"), 0x0B242D361FDA71BCULL);
}

TEST(Checksum64, EveryBitCounts) {
  std::string text(100, 'x');
  const std::uint64_t sum = Sum(text);
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ 1 << bit % 8);
    EXPECT_NE(Sum(text), sum) << bit;
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ 1 << bit % 8);
  }
}

}  // namespace
}  // namespace headroom
