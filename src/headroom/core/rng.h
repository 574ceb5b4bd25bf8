// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace headroom {

// A seedable stream of random numbers. Every random draw of a run comes from
// Rng(seed).Fork(epoch, position): it is a function of those numbers alone, whatever thread draws.
// Not thread-safe; a stream is cheap (8 bytes), so every user forks its own.
// The generator is SplitMix64 (Steele et al. 2014, "Fast splittable pseudorandom number
// generators").
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(Mix(seed ^ 0x9e3779b97f4a7c15ULL)) {}

  // An independent stream named by the numbers; does not advance this one.
  [[nodiscard]] Rng Fork(std::uint64_t a, std::uint64_t b = 0) const;

  std::uint64_t Next();
  // Uniform in [low, high), 53 random bits.
  double Uniform(double low = 0, double high = 1);
  // Uniform integer in [0, n); n >= 1. Unbiased (rejection).
  std::uint64_t Below(std::uint64_t n);
  // Uniform integer in [low, high], both included.
  std::int64_t Integer(std::int64_t low, std::int64_t high);
  bool Chance(double probability) { return Uniform() < probability; }
  // Standard normal (Box-Muller, one value a call).
  double Normal();
  // Gamma(shape, 1) (Marsaglia and Tsang 2000); shape > 0.
  double Gamma(double shape);
  // Beta(a, b).
  double Beta(double a, double b);
  // A random order of 0..n-1 (Fisher-Yates).
  [[nodiscard]] std::vector<std::uint32_t> Permutation(std::uint32_t n);

  // For checkpoints: the whole state.
  [[nodiscard]] std::uint64_t state() const { return state_; }

 private:
  static std::uint64_t Mix(std::uint64_t z);
  std::uint64_t state_;
};

}  // namespace headroom
