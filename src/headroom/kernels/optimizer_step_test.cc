// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/optimizer_step.h"

#include "headroom/kernels/kernel_testing.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace headroom {
namespace {

using testing::ForEachTarget;
using testing::NormalFloats;

constexpr std::int64_t kCount = 77;

// Flat arrays that end at a guard page.
struct Guarded {
  explicit Guarded(const std::vector<float>& values)
      : bytes(values.size() * 4), data(reinterpret_cast<float*>(bytes.data())) {
    std::copy(values.begin(), values.end(), data);
  }
  testing::GuardedBytes bytes;
  float* data;
};

struct State {
  State()
      : p(NormalFloats(Rng(1), kCount)),
        g(NormalFloats(Rng(2), kCount)),
        ema(NormalFloats(Rng(3), kCount)),
        first(std::vector<float>(kCount)),
        second(std::vector<float>(kCount)),
        half_bytes(kCount * 2),
        half(reinterpret_cast<BFloat16*>(half_bytes.data())) {}
  [[nodiscard]] ParameterPiece piece() const {
    return {.count = kCount,
            .parameters = p.data,
            .gradients = g.data,
            .gradient_scale = 0.5,
            .ema = ema.data,
            .ema_decay = 0.9,
            .bf16_copy = half};
  }
  Guarded p, g, ema, first, second;
  testing::GuardedBytes half_bytes;
  BFloat16* half;
};

struct Expected {
  explicit Expected(const State& s) {
    for (std::int64_t i = 0; i < kCount; ++i) {
      p.push_back(static_cast<double>(s.p.data[i]));
      ema.push_back(static_cast<double>(s.ema.data[i]));
    }
  }
  void Check(const State& s) const {
    for (std::size_t i = 0; i < p.size(); ++i) {
      ASSERT_NEAR(s.p.data[i], p[i], 2e-6) << i;
      ASSERT_NEAR(s.ema.data[i], ema[i], 2e-6) << i;
      ASSERT_EQ(s.half[i], ToBFloat16(s.p.data[i])) << i;
    }
  }
  std::vector<double> p, ema, m = std::vector<double>(kCount), v = std::vector<double>(kCount);
};

TEST(SgdStep, ThreeStepsMatchTheScalarRule) {
  ForEachTarget([] {
    for (const bool nesterov : {true, false}) {
      State s;
      Expected e(s);
      const SgdOptions options{
          .learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = nesterov};
      for (int step = 0; step < 3; ++step) {
        for (std::size_t i = 0; i < e.p.size(); ++i) {
          const double g = 0.5 * static_cast<double>(s.g.data[i]) + 0.01 * e.p[i];
          e.m[i] = 0.9 * e.m[i] + g;
          e.p[i] -= 0.1 * (nesterov ? g + 0.9 * e.m[i] : e.m[i]);
          e.ema[i] = 0.9 * e.ema[i] + 0.1 * e.p[i];
        }
        RunSgdStep(options, s.piece(), s.first.data);
      }
      e.Check(s);
    }
  });
}

TEST(AdamStep, ThreeStepsMatchTheScalarRule) {
  ForEachTarget([] {
    for (const auto decay : {WeightDecay::kDecoupled, WeightDecay::kInGradient}) {
      State s;
      Expected e(s);
      AdamOptions options{.learning_rate = 0.01, .weight_decay = 0.1, .decay = decay};
      for (int step = 1; step <= 3; ++step) {
        for (std::size_t i = 0; i < e.p.size(); ++i) {
          double g = 0.5 * static_cast<double>(s.g.data[i]);
          if (decay == WeightDecay::kInGradient) g += 0.1 * e.p[i];
          if (decay == WeightDecay::kDecoupled) e.p[i] *= 1 - 0.01 * 0.1;
          e.m[i] = 0.9 * e.m[i] + 0.1 * g;
          e.v[i] = 0.999 * e.v[i] + 0.001 * g * g;
          const double m_hat = e.m[i] / (1 - std::pow(0.9, step));
          const double v_hat = e.v[i] / (1 - std::pow(0.999, step));
          e.p[i] -= 0.01 * m_hat / (std::sqrt(v_hat) + 1e-8);
          e.ema[i] = 0.9 * e.ema[i] + 0.1 * e.p[i];
        }
        options.step = step;
        RunAdamStep(options, s.piece(), s.first.data, s.second.data);
      }
      e.Check(s);
    }
  });
}

TEST(OptimizerStep, PiecesGiveTheBitsOfTheWhole) {
  State whole, pieces;
  const AdamOptions options{.learning_rate = 0.01};
  RunAdamStep(options, whole.piece(), whole.first.data, whole.second.data);
  for (const IndexRange range : {IndexRange{0, 13}, IndexRange{13, 40}, IndexRange{40, kCount}}) {
    const ParameterPiece piece{.count = range.size(),
                               .parameters = pieces.p.data + range.begin,
                               .gradients = pieces.g.data + range.begin,
                               .gradient_scale = 0.5};
    RunAdamStep(options, piece, pieces.first.data + range.begin, pieces.second.data + range.begin);
  }
  for (std::int64_t i = 0; i < kCount; ++i) EXPECT_EQ(whole.p.data[i], pieces.p.data[i]);
}

TEST(UpdateEma, AveragesValues) {
  ForEachTarget([] {
    const Guarded values(NormalFloats(Rng(1), kCount));
    const Guarded ema(std::vector<float>(kCount, 2.0f));
    UpdateEma(0.75, values.data, ema.data, kCount);
    for (std::int64_t i = 0; i < kCount; ++i) {
      EXPECT_NEAR(ema.data[i], 1.5f + 0.25f * values.data[i], 1e-6);
    }
  });
}

TEST(AddScaled, AddsFloatsAndHalves) {
  ForEachTarget([] {
    const Guarded values(NormalFloats(Rng(1), kCount));
    const Guarded sums(std::vector<float>(kCount, 1.0f));
    AddScaled(3.0f, values.data, sums.data, kCount);
    for (std::int64_t i = 0; i < kCount; ++i) {
      EXPECT_NEAR(sums.data[i], 1 + 3 * values.data[i], 2e-6);
    }
    const testing::GuardedBytes bytes(kCount * 2);
    auto* halves = reinterpret_cast<BFloat16*>(bytes.data());
    for (std::int64_t i = 0; i < kCount; ++i) halves[i] = ToBFloat16(static_cast<float>(i));
    const Guarded more(std::vector<float>(kCount, 1.0f));
    AddScaled(0.5f, halves, more.data, kCount);
    for (std::int64_t i = 0; i < kCount; ++i) {
      EXPECT_EQ(more.data[i], 1 + 0.5f * static_cast<float>(i));
    }
  });
}

TEST(SumOfSquares, IsExactInDoubleAndDoesNotOverflow) {
  ForEachTarget([] {
    double expected = 0;
    const Guarded values(NormalFloats(Rng(1), kCount, 0, 1e25));
    for (std::int64_t i = 0; i < kCount; ++i) {
      expected += std::pow(static_cast<double>(values.data[i]), 2);
    }
    EXPECT_NEAR(SumOfSquares(values.data, kCount) / expected, 1, 1e-14);
    EXPECT_EQ(SumOfSquares(values.data, 0), 0);
  });
}

}  // namespace
}  // namespace headroom
