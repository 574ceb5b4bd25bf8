// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/bn_act.h"

#include "headroom/kernels/kernel_testing.h"

#include <gmock/gmock.h>

#include <cmath>
#include <memory>

namespace headroom {
namespace {

using testing::ForEachRowCase;
using testing::ForEachTarget;
using testing::NormalFloats;
using testing::RowCase;
using testing::TestRows;
using Gaps = TestRows::Gaps;

double Activate_reference(Activation activation, double z) {
  return activation == Activation::kSilu ? z / (1 + std::exp(-z)) : z;
}

double Slope_reference(Activation activation, double z) {
  if (activation == Activation::kIdentity) return 1;
  const double s = 1 / (1 + std::exp(-z));
  return s * (1 + z * (1 - s));
}

struct Statistics {
  double mean = 0, variance = 0, epsilon = 1e-3;
};

// What the passes read of a channel that is normalised with these statistics.
struct Affine {
  Affine(float gamma, float beta, const Statistics& s)
      : mean(static_cast<float>(s.mean)),
        inv_std(static_cast<float>(1 / std::sqrt(s.variance + s.epsilon))),
        scale(static_cast<float>(gamma / std::sqrt(s.variance + s.epsilon))),
        shift(static_cast<float>(beta - s.mean * gamma / std::sqrt(s.variance + s.epsilon))) {}
  float mean, inv_std, scale, shift;
};

// Per-channel values of a layer whose statistics are given.
struct Layer {
  explicit Layer(std::int64_t channels)
      : gamma(NormalFloats(Rng(11), channels, 1, 0.3)), beta(NormalFloats(Rng(12), channels)) {
    Rng rng(13);
    for (std::size_t c = 0; c < gamma.size(); ++c) {
      const double exact_mean = rng.Normal();
      const Affine affine(gamma[c], beta[c], {exact_mean, rng.Uniform(0.5, 2)});
      inv_std.push_back(affine.inv_std);
      scale.push_back(affine.scale);
      shift.push_back(affine.shift);
      mean.push_back(affine.mean);
    }
  }
  [[nodiscard]] double Z(double y, std::int64_t c) const {
    const auto i = static_cast<std::size_t>(c);
    return y * static_cast<double>(scale[i]) + static_cast<double>(shift[i]);
  }
  std::vector<float> gamma, beta, inv_std, scale, shift, mean;
};

BnActForward Forward(const Layer& layer, const TestRows& y, Activation activation) {
  BnActForward op;
  op.y = y;
  op.channels = y.channels();
  op.scale = layer.scale.data();
  op.shift = layer.shift.data();
  op.activation = activation;
  return op;
}

BnActBackward Backward(const Layer& layer, const TestRows& y, Activation activation) {
  BnActBackward op;
  op.y = y;
  op.channels = y.channels();
  op.scale = layer.scale.data();
  op.shift = layer.shift.data();
  op.mean = layer.mean.data();
  op.activation = activation;
  return op;
}

TEST(BnActForward, MatchesTheFormula) {
  for (const Activation activation : {Activation::kIdentity, Activation::kSilu}) {
    ForEachRowCase([&](const RowCase& k) {
      const Layer layer(k.channels);
      TestRows y(k.rows, k.channels, k.input, k.gaps);
      y.FillNormal(Rng(1), 0, 3);
      TestRows to(k.rows, k.channels, k.output, k.gaps);
      to.ForEach([&](std::int64_t r, std::int64_t c) { to.Set(r, c, 77); });
      BnActForward op = Forward(layer, y, activation);
      op.destinations[0] = {to, 0, k.channels};
      op.destination_count = 1;
      RunBnActForward(op, {1, k.rows - 1});
      to.ExpectNear(
          [&](std::int64_t r, std::int64_t c) {
            if (r == 0 || r == k.rows - 1) return 77.0;
            return Activate_reference(activation, layer.Z(y.At(r, c), c));
          },
          2e-6);
    });
  }
}

TEST(BnActForward, WritesSlicesToSeveralDestinationsAndAddsTheResidual) {
  ForEachRowCase([](const RowCase& k) {
    if (k.channels < 3) return;
    const Layer layer(k.channels);
    TestRows y(k.rows, k.channels, k.input, Gaps::kNo);
    TestRows residual(k.rows, k.channels, k.input, k.gaps);
    y.FillNormal(Rng(1));
    residual.FillNormal(Rng(2));
    const std::int64_t half = k.channels / 2;
    TestRows whole(k.rows, k.channels, k.output, Gaps::kYes);
    TestRows back(k.rows, k.channels - half, k.input, k.gaps);
    TestRows middle(k.rows, 1, ElementType::kFloat32, k.gaps);
    BnActForward op = Forward(layer, y, Activation::kSilu);
    op.residual = residual;
    op.destinations = {ChannelDestination{whole, 0, k.channels},
                       ChannelDestination{back, half, k.channels - half},
                       ChannelDestination{middle, 1, 1}};
    op.destination_count = 3;
    RunBnActForward(op, {0, k.rows});
    const auto expected = [&](std::int64_t r, std::int64_t c) {
      return Activate_reference(Activation::kSilu, layer.Z(y.At(r, c), c)) + residual.At(r, c);
    };
    whole.ExpectNear(expected, 2e-6);
    back.ExpectNear([&](std::int64_t r, std::int64_t c) { return expected(r, c + half); }, 2e-6);
    middle.ExpectNear([&](std::int64_t r, std::int64_t) { return expected(r, 1); }, 2e-6);
  });
}

TEST(BnActForward, MayOverwriteItsInput) {
  ForEachRowCase([](const RowCase& k) {
    const Layer layer(k.channels);
    TestRows y(k.rows, k.channels, k.input, k.gaps);
    y.FillNormal(Rng(1));
    TestRows original(k.rows, k.channels, k.input, k.gaps);
    original.CopyFrom(y);
    BnActForward op = Forward(layer, y, Activation::kSilu);
    op.destinations[0] = {y, 0, k.channels};
    op.destination_count = 1;
    RunBnActForward(op, {0, k.rows});
    y.ExpectNear(
        [&](std::int64_t r, std::int64_t c) {
          return Activate_reference(Activation::kSilu, layer.Z(original.At(r, c), c));
        },
        2e-6);
  });
}

// z over the whole range of fp32, scale 1 and shift 0.
TEST(BnActForward, SiluIsAccurateAndSafeEverywhere) {
  std::vector<float> z;
  for (double v = 1e-6; v < 80; v *= 1.0007) {
    z.push_back(static_cast<float>(v));
    z.push_back(static_cast<float>(-v));
  }
  const auto accurate = static_cast<std::int64_t>(z.size());
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float v : {0.0f, 88.8f, 1000.0f, 3e38f, infinity}) z.push_back(v);
  for (const float v : {-90.0f, -1000.0f, -3e38f}) z.push_back(v);
  z.push_back(std::nanf(""));
  const auto count = static_cast<std::int64_t>(z.size());
  ForEachTarget([&] {
    const float one = 1, zero = 0;
    std::vector<float> a(z.size());
    BnActForward op;
    op.y = {z.data(), 1};
    op.channels = 1;
    op.scale = &one;
    op.shift = &zero;
    op.destinations[0] = {{a.data(), 1}, 0, 1};
    op.destination_count = 1;
    RunBnActForward(op, {0, count});
    for (std::int64_t i = 0; i < accurate; ++i) {
      const auto v = static_cast<double>(z[static_cast<std::size_t>(i)]);
      const double exact = v / (1 + std::exp(-v));
      ASSERT_NEAR(static_cast<double>(a[static_cast<std::size_t>(i)]) / exact, 1, 1.2e-6) << v;
    }
    const auto* end = a.data() + accurate;
    EXPECT_EQ(end[0], 0);
    for (int i = 1; i < 5; ++i) {
      EXPECT_FLOAT_EQ(end[i], z[static_cast<std::size_t>(accurate + i)]);
    }
    for (int i = 5; i < 8; ++i) {
      EXPECT_LE(std::abs(end[i]), 1e-37f * std::abs(z[static_cast<std::size_t>(accurate + i)]));
    }
    EXPECT_TRUE(std::isnan(end[8]));
  });
}

// The obvious twin of both passes, in double.
struct Backward_reference {
  Backward_reference(const Layer& layer, const TestRows& y, Activation activation,
                     const std::vector<const TestRows*>& gradients)
      : layer_(layer), y_(y), activation_(activation), gradients_(gradients) {
    sum_dz.resize(static_cast<std::size_t>(y.channels()));
    sum_dz_xhat.resize(sum_dz.size());
    y.ForEach([&](std::int64_t r, std::int64_t c) {
      sum_dz[static_cast<std::size_t>(c)] += Dz(r, c);
      sum_dz_xhat[static_cast<std::size_t>(c)] += Dz(r, c) * XHat(r, c);
    });
  }
  [[nodiscard]] double XHat(std::int64_t r, std::int64_t c) const {
    const auto i = static_cast<std::size_t>(c);
    return (y_.At(r, c) - static_cast<double>(layer_.mean[i])) *
           static_cast<double>(layer_.inv_std[i]);
  }
  [[nodiscard]] double Dz(std::int64_t r, std::int64_t c) const {
    double g = 0;
    for (const TestRows* gradient : gradients_) g += gradient->At(r, c);
    return g * Slope_reference(activation_, layer_.Z(y_.At(r, c), c));
  }
  [[nodiscard]] double Dy(std::int64_t r, std::int64_t c) const {
    const auto i = static_cast<std::size_t>(c);
    const auto n = static_cast<double>(y_.rows());
    return static_cast<double>(layer_.scale[i]) *
           (Dz(r, c) - sum_dz[i] / n - XHat(r, c) * sum_dz_xhat[i] / n);
  }
  std::vector<double> sum_dz, sum_dz_xhat;

 private:
  const Layer& layer_;
  const TestRows& y_;
  Activation activation_;
  const std::vector<const TestRows*> gradients_;
};

struct Coefficients {
  explicit Coefficients(std::int64_t channels)
      : for_dz(static_cast<std::size_t>(channels)),
        for_centered(for_dz.size()),
        constant(for_dz.size()) {}
  [[nodiscard]] BnGradientCoefficients view() {
    return {for_dz.data(), for_centered.data(), constant.data()};
  }
  std::vector<float> for_dz, for_centered, constant;
};

struct Sums {
  explicit Sums(const Layer& layer)
      : dz(layer.gamma.size()), dz_xhat(layer.gamma.size()), inv_std(layer.inv_std.data()) {}
  [[nodiscard]] BnGradientSums view() { return {inv_std, dz.data(), dz_xhat.data()}; }
  std::vector<double> dz, dz_xhat;
  const float* inv_std;
};

void ExpectSums(const Sums& sums, const Backward_reference& expected, std::int64_t rows) {
  const double bound = 3e-6 * static_cast<double>(rows);
  for (std::size_t c = 0; c < sums.dz.size(); ++c) {
    ASSERT_NEAR(sums.dz[c], expected.sum_dz[c], bound) << c;
    ASSERT_NEAR(sums.dz_xhat[c], expected.sum_dz_xhat[c], bound) << c;
  }
}

class BnActBackwardTest : public ::testing::TestWithParam<std::tuple<Activation, int>> {};

TEST_P(BnActBackwardTest, BothPassesMatchTheFormula) {
  const auto [activation, gradient_count] = GetParam();
  ForEachRowCase([&, act = activation, count = gradient_count](const RowCase& k) {
    const Layer layer(k.channels);
    TestRows y(k.rows, k.channels, k.input, Gaps::kNo);
    y.FillNormal(Rng(1), 0, 2);
    BnActBackward op = Backward(layer, y, act);
    std::vector<std::unique_ptr<TestRows>> gradients;
    std::vector<const TestRows*> views;
    for (int i = 0; i < count; ++i) {
      gradients.push_back(std::make_unique<TestRows>(k.rows, k.channels, k.output, k.gaps));
      gradients.back()->FillNormal(Rng(20).Fork(static_cast<std::uint64_t>(i)));
      views.push_back(gradients.back().get());
      op.gradients[static_cast<std::size_t>(i)] = *gradients.back();
    }
    op.gradient_count = count;
    const Backward_reference expected(layer, y, act, views);

    Sums sums(layer);
    TestRows dz(k.rows, k.channels, k.input, k.gaps);
    ReduceBnActBackward(op, {0, k.rows / 2}, dz, sums.view());
    ReduceBnActBackward(op, {k.rows / 2, k.rows}, dz, sums.view());
    ExpectSums(sums, expected, k.rows);
    dz.ExpectNear([&](auto r, auto c) { return expected.Dz(r, c); }, 4e-6);

    Sums again(layer);
    ReduceBnActBackward(op, {0, k.rows}, RowTensor(), again.view());
    ExpectSums(again, expected, k.rows);

    Coefficients coefficients(k.channels);
    ComputeBnGradientCoefficients(k.channels, k.rows, layer.scale.data(), again.view(),
                                  coefficients.view());
    TestRows dy(k.rows, k.channels, k.output, k.gaps);
    ApplyBnActBackward(op, coefficients.view(), {0, k.rows}, dy);
    dy.ExpectNear([&](auto r, auto c) { return expected.Dy(r, c); }, 1e-5);
  });
}

INSTANTIATE_TEST_SUITE_P(, BnActBackwardTest,
                         ::testing::Values(std::tuple{Activation::kSilu, 0},
                                           std::tuple{Activation::kIdentity, 0},
                                           std::tuple{Activation::kSilu, 1},
                                           std::tuple{Activation::kIdentity, 2},
                                           std::tuple{Activation::kSilu, 4}));

TEST(BnActBackward, DzMayReplaceAGradientAndDyReplaceY) {
  ForEachRowCase([](const RowCase& k) {
    if (k.input != k.output) return;
    const Layer layer(k.channels);
    TestRows y(k.rows, k.channels, k.input, k.gaps), y_before(k.rows, k.channels, k.input, k.gaps);
    TestRows g(k.rows, k.channels, k.input, k.gaps), g_before(k.rows, k.channels, k.input, k.gaps);
    y.FillNormal(Rng(1));
    g.FillNormal(Rng(2));
    y_before.CopyFrom(y);
    g_before.CopyFrom(g);
    const Backward_reference expected(layer, y_before, Activation::kSilu, {&g_before});
    BnActBackward op = Backward(layer, y, Activation::kSilu);
    op.gradients[0] = g;
    op.gradient_count = 1;
    Sums sums(layer);
    ReduceBnActBackward(op, {0, k.rows}, g, sums.view());
    g.ExpectNear([&](auto r, auto c) { return expected.Dz(r, c); }, 4e-6);
    // Second pass from the stored dz.
    op.activation = Activation::kIdentity;
    Coefficients coefficients(k.channels);
    ComputeBnGradientCoefficients(k.channels, k.rows, layer.scale.data(), sums.view(),
                                  coefficients.view());
    ApplyBnActBackward(op, coefficients.view(), {0, k.rows}, y);
    const double rounding = k.input == ElementType::kBFloat16 ? 0.02 : 1e-5;
    y.ExpectNear([&](auto r, auto c) { return expected.Dy(r, c); }, rounding);
  });
}

// The loss is sum of w * silu(bn(y)); its gradient against central differences, the batch's own
// statistics included.
double Loss_reference(const std::vector<double>& y, const std::vector<double>& w, double gamma,
                      double beta) {
  double mean = 0, variance = 0;
  const auto n = static_cast<double>(y.size());
  for (const double v : y) mean += v / n;
  for (const double v : y) variance += (v - mean) * (v - mean) / n;
  double loss = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double z = (y[i] - mean) / std::sqrt(variance + 1e-3) * gamma + beta;
    loss += w[i] * Activate_reference(Activation::kSilu, z);
  }
  return loss;
}

TEST(BnActBackward, AgreesWithFiniteDifferences) {
  constexpr std::int64_t kRows = 23;
  std::vector<double> y, w;
  Rng rng(5);
  TestRows y_rows(kRows, 1, ElementType::kFloat32, Gaps::kNo);
  TestRows g_rows(kRows, 1, ElementType::kFloat32, Gaps::kNo);
  double mean = 0, variance = 0;
  for (std::int64_t r = 0; r < kRows; ++r) {
    y_rows.Set(r, 0, rng.Normal());
    g_rows.Set(r, 0, rng.Normal());
    y.push_back(y_rows.At(r, 0));
    w.push_back(g_rows.At(r, 0));
    mean += y.back() / kRows;
  }
  for (const double v : y) variance += (v - mean) * (v - mean) / kRows;
  const float gamma = 1.3f, beta = 0.2f;
  const Affine affine(gamma, beta, {mean, variance});
  const auto loss = [&](double dg, double db) { return Loss_reference(y, w, 1.3 + dg, 0.2 + db); };
  constexpr double kStep = 1e-5;
  ForEachTarget([&] {
    BnActBackward op;
    op.y = y_rows;
    op.channels = 1;
    op.scale = &affine.scale;
    op.shift = &affine.shift;
    op.mean = &affine.mean;
    op.gradients[0] = g_rows;
    op.gradient_count = 1;
    double sum_dz = 0, sum_dz_xhat = 0;
    const BnGradientSums sums{&affine.inv_std, &sum_dz, &sum_dz_xhat};
    ReduceBnActBackward(op, {0, kRows}, RowTensor(), sums);
    EXPECT_NEAR(sum_dz, (loss(0, kStep) - loss(0, -kStep)) / (2 * kStep), 2e-5);
    EXPECT_NEAR(sum_dz_xhat, (loss(kStep, 0) - loss(-kStep, 0)) / (2 * kStep), 2e-5);
    float for_dz = 0, for_centered = 0, constant = 0;
    const BnGradientCoefficients coefficients{&for_dz, &for_centered, &constant};
    ComputeBnGradientCoefficients(1, kRows, &affine.scale, sums, coefficients);
    TestRows dy(kRows, 1, ElementType::kFloat32, Gaps::kNo);
    ApplyBnActBackward(op, coefficients, {0, kRows}, dy);
    for (std::int64_t r = 0; r < kRows; ++r) {
      auto above = y, below = y;
      above[static_cast<std::size_t>(r)] += kStep;
      below[static_cast<std::size_t>(r)] -= kStep;
      const double slope =
          (Loss_reference(above, w, 1.3, 0.2) - Loss_reference(below, w, 1.3, 0.2)) / (2 * kStep);
      EXPECT_NEAR(dy.At(r, 0), slope, 1e-5);
    }
  });
}

}  // namespace
}  // namespace headroom
