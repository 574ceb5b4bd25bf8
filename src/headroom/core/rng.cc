// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/rng.h"

#include "headroom/core/check.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace headroom {

std::uint64_t Rng::Mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

Rng Rng::Fork(std::uint64_t a, std::uint64_t b) const {
  Rng fork(0);
  fork.state_ =
      Mix(Mix(state_ + 0x632be59bd9b4e019ULL * (a + 1)) + 0xd6e8feb86659fd93ULL * (b + 1));
  return fork;
}

std::uint64_t Rng::Next() { return Mix(state_ += 0x9e3779b97f4a7c15ULL); }

double Rng::Uniform(double low, double high) {
  return low + (high - low) * (static_cast<double>(Next() >> 11) * 0x1.0p-53);
}

std::uint64_t Rng::Below(std::uint64_t n) {
  HEADROOM_CHECK(n >= 1, "a draw from an empty range");
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % n;
  std::uint64_t draw = Next();
  while (draw >= limit) draw = Next();
  return draw % n;
}

std::int64_t Rng::Integer(std::int64_t low, std::int64_t high) {
  HEADROOM_CHECK(low <= high, "a draw from an empty range");
  return low + static_cast<std::int64_t>(Below(static_cast<std::uint64_t>(high - low) + 1));
}

double Rng::Normal() {
  const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
  return radius * std::cos(2 * std::numbers::pi * Uniform());
}

double Rng::Gamma(double shape) {
  if (shape < 1) return Gamma(shape + 1) * std::pow(1 - Uniform(), 1 / shape);
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = Normal();
    const double v = std::pow(1 + c * x, 3);
    if (v <= 0) continue;
    const double u = 1 - Uniform();
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

double Rng::Beta(double a, double b) {
  const double x = Gamma(a);
  return x / (x + Gamma(b));
}

std::vector<std::uint32_t> Rng::Permutation(std::uint32_t n) {
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  for (std::uint32_t i = n; i > 1; --i) std::swap(order[i - 1], order[Below(i)]);
  return order;
}

}  // namespace headroom
