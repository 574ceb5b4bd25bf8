// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/checksum.h"

#include <array>
#include <bit>
#include <cstring>

namespace headroom {
namespace {

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87ULL;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4FULL;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9ULL;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63ULL;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5ULL;

// The algorithm is defined on little-endian words, which is the only order we run on.
static_assert(std::endian::native == std::endian::little);

template <typename Word>
Word Read(const unsigned char* p) {
  Word word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

std::uint64_t Round(std::uint64_t lane, std::uint64_t input) {
  return std::rotl(lane + input * kPrime2, 31) * kPrime1;
}

std::uint64_t Merge(std::uint64_t sum, std::uint64_t lane) {
  return (sum ^ Round(0, lane)) * kPrime1 + kPrime4;
}

}  // namespace

std::uint64_t Checksum64(const void* data, std::size_t size, std::uint64_t seed) {
  const auto* p = static_cast<const unsigned char*>(data);
  std::size_t left = size;
  std::uint64_t sum = seed + kPrime5;
  if (left >= 32) {
    std::array<std::uint64_t, 4> lanes = {seed + kPrime1 + kPrime2, seed + kPrime2, seed,
                                          seed - kPrime1};
    for (; left >= 32; left -= 32) {
      for (std::uint64_t& lane : lanes) {
        lane = Round(lane, Read<std::uint64_t>(p));
        p += 8;
      }
    }
    sum = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) +
          std::rotl(lanes[3], 18);
    for (const std::uint64_t lane : lanes) sum = Merge(sum, lane);
  }
  sum += size;
  for (; left >= 8; left -= 8, p += 8) {
    sum = std::rotl(sum ^ Round(0, Read<std::uint64_t>(p)), 27) * kPrime1 + kPrime4;
  }
  if (left >= 4) {
    sum = std::rotl(sum ^ Read<std::uint32_t>(p) * kPrime1, 23) * kPrime2 + kPrime3;
    p += 4;
    left -= 4;
  }
  for (; left > 0; --left, ++p) sum = std::rotl(sum ^ *p * kPrime5, 11) * kPrime1;
  sum = (sum ^ sum >> 33) * kPrime2;
  sum = (sum ^ sum >> 29) * kPrime3;
  return sum ^ sum >> 32;
}

}  // namespace headroom
